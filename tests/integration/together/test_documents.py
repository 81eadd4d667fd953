"""The running services answer as their OpenAPI documents say, whatever they are asked; `make fuzz` asks for longer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from schemathesis.core.failures import FailureGroup

from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from deploy.openapi import FOLDER, VERSION
from tests.fuzz.asking import Extent, Heard, Known, ask, document_of
from tests.fuzz.house import known_to
from tests.fuzz.table import impatient

EXAMPLES = 25


@pytest.fixture(scope="module")
async def known(stack: Stack) -> Mapping[str, Known]:
    return await known_to(stack)


def raise_what_is_wrong(heard: Mapping[str, Heard]) -> None:
    for each in heard.values():
        if each.wrong is not None:
            raise each.wrong


@pytest.mark.parametrize("service", SERVICES)
async def test_every_answer_is_in_the_document(stack: Stack, known: Mapping[str, Known], service: str) -> None:
    url = stack.urls[service]
    document = await asyncio.to_thread(document_of, url)
    heard = await asyncio.to_thread(ask, url, document, known[service], Extent(EXAMPLES))
    raise_what_is_wrong(heard)
    unreached = {operation for operation, each in heard.items() if not any(status < 300 for status in each.statuses)}
    assert unreached == set()
    assert list(impatient({service: heard})) == []
    document["info"]["version"] = VERSION
    assert document == json.loads((FOLDER / f"{service}.json").read_text("utf-8"))


def forget_status(operation: dict[str, Any]) -> None:
    del operation["responses"]["404"]


def forget_type(operation: dict[str, Any]) -> None:
    operation["responses"]["404"]["content"] = {"application/json": {}}


def forget_field(operation: dict[str, Any]) -> None:
    operation["responses"]["404"]["content"]["application/problem+json"]["schema"] = {"required": ["nothing"]}


@pytest.mark.parametrize(
    ("forget", "found"),
    [
        (forget_status, "Undocumented status code"),
        (forget_type, "Undocumented Content-Type"),
        (forget_field, '"nothing" is a required property'),
    ],
)
async def test_an_answer_that_is_not_in_the_document_is_found(
    stack: Stack, known: Mapping[str, Known], forget: Callable[[dict[str, Any]], None], found: str
) -> None:
    url = stack.urls["metrics"]
    document = await asyncio.to_thread(document_of, url)
    path = "/problems/{code}"
    forget(document["paths"][path]["get"])
    document["paths"] = {path: document["paths"][path]}
    with pytest.raises(FailureGroup, match=found):
        raise_what_is_wrong(await asyncio.to_thread(ask, url, document, known["metrics"], Extent(EXAMPLES)))
