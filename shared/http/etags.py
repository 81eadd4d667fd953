"""Versions as entity tags: an officer acts on what he saw (RFC 9110, 13.1.1; RFC 6585 for 428)."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Header

from shared.http.problems import Problem

_VERSION = re.compile(r'"(\d{1,18})"', re.ASCII)


def etag(version: int) -> str:
    """Write a version as a strong entity tag."""
    return f'"{version}"'


async def if_match(if_match: Annotated[str | None, Header()] = None) -> int:
    """Read the version from If-Match; raises Problem 428 when it is missing, 400 when it is no single strong tag."""
    if if_match is None:
        raise Problem(HTTPStatus.PRECONDITION_REQUIRED, "if_match_missing", "Send the ETag that you read.")
    match = _VERSION.fullmatch(if_match.strip())
    if match is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "if_match_invalid", 'If-Match is one version in quotes, such as "3".')
    return int(match.group(1))


IfMatch = Annotated[int, Depends(if_match)]
"""A route's parameter: the version that the caller saw."""


def require_version(seen: int, current: int) -> None:
    """Refuse an act on an older version; raises Problem 412 `version_stale`."""
    if seen != current:
        raise Problem(
            HTTPStatus.PRECONDITION_FAILED, "version_stale", "Read it again first.", headers={"ETag": etag(current)}
        )
