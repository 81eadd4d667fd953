"""What a run of `make fuzz` came to, as a table for `docs/edge.md`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from tests.bench.machine import commit
from tests.fuzz.asking import Extent, Heard
from tests.pages import table

PAGE = Path(__file__).parents[2] / "docs" / "edge.md"
MARKS = "<!-- written by `make fuzz`: begin -->", "<!-- written by `make fuzz`: end -->"
HEADINGS = ("service", "operations", "asked", "answered 5xx", "undocumented answers in", "asked again after 503")
MAY_BE_LATE: Mapping[str, str] = dict.fromkeys(
    ("POST /v1/rules/calendar", "POST /v1/rules/catalogue"),
    "the version that was published before is still on its way to the process that is asked",
)
"""Operations that may answer 503 with Retry-After to a client that breaks no limit, and why."""


def impatient(found: Mapping[str, Mapping[str, Heard]]) -> Iterator[str]:
    """Name the operations that asked for patience and may not."""
    for service, heard in found.items():
        for operation, each in heard.items():
            if each.asked_again and operation not in MAY_BE_LATE:
                yield f"{service}: {operation}"


def page_of(found: Mapping[str, Mapping[str, Heard]], extent: Extent) -> str:
    """Write the table, and above it what was asked of what, and when."""
    told = f"{datetime.now(UTC).date()}, seed {extent.seed}, {extent.examples:,} examples of each operation"
    return f"{told}; commit {commit()}.\n\n{table(HEADINGS, (_row(*each) for each in found.items()), figures=True)}"


def _row(service: str, heard: Mapping[str, Heard]) -> tuple[str, ...]:
    said = list(heard.values())
    first_of_ours = HTTPStatus.INTERNAL_SERVER_ERROR
    failed = sum(number for each in said for status, number in each.statuses.items() if status >= first_of_ours)
    figures = (
        *(len(said), sum(each.statuses.total() for each in said), failed),
        *(sum(each.wrong is not None for each in said), sum(each.asked_again for each in said)),
    )
    return service, *(f"{figure:,}" for figure in figures)
