"""Keyset pages: an opaque cursor says after which key the next page begins; nothing is counted."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from shared.http.problems import Problem

Item = TypeVar("Item")

PageLimit = Annotated[int, Query(ge=1, le=200, description="How many items at most.")]
PageCursor = Annotated[str | None, Query(max_length=500, description="`next_cursor` of the page before.")]


class Page(BaseModel, Generic[Item]):
    """Some items in order, and where the next ones begin; without `next_cursor` it was the last page."""

    items: list[Item]
    next_cursor: str | None = None


def encode_cursor(*key: str | int) -> str:
    """Write the last key of a page as an opaque cursor."""
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *types: type) -> tuple[str | int, ...]:
    """Read a cursor back as the key that it was made of; raises Problem 422 `cursor_invalid` for anything else."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except ValueError:
        key = None
    ours = isinstance(key, list) and all(str(part).isprintable() for part in key)  # what no column takes is not
    if not ours or [type(part) for part in key] != list(types):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "cursor_invalid")
    return tuple(key)


def decode_moment(cursor: str | None, start: tuple[datetime, str]) -> tuple[datetime, str]:
    """Read after which moment and code a page begins; `start` without a cursor. Raises Problem 422 `cursor_invalid`."""
    if cursor is None:
        return start
    text, code = decode_cursor(cursor, str, str)
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC), str(code)
    except (ValueError, OverflowError) as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "cursor_invalid") from error
