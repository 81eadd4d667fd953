"""Days and moments come as text that says which day is meant, however a body is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from shared.http.bodies import Day, Moment, RequestBody, read_body


class Said(RequestBody):
    on: Day | None = None
    at: Moment | None = None


def strictly(body: dict[str, Any]) -> Said:
    """As bodies are read whose shape their path names."""
    return read_body(Said, json.dumps(body).encode())


READ = pytest.mark.parametrize("read", [strictly, Said.model_validate])
Read = Callable[[dict[str, Any]], Said]
HANOI = timezone(timedelta(hours=7))


@READ
def test_a_day_and_a_moment_are_read_as_they_are_written(read: Read) -> None:
    assert read({"on": "2020-02-29"}).on == date(2020, 2, 29)
    assert read({"at": "2020-02-29T08:00:00+07:00"}).at == datetime(2020, 2, 29, 8, tzinfo=HANOI)
    assert read({"at": "2020-02-29T01:00:00Z"}).at == datetime(2020, 2, 29, 1, tzinfo=UTC)


@READ
@pytest.mark.parametrize(
    "body",
    [
        *({"on": value} for value in ("2021-02-29", "20200229", "2020-2-29", "2020-02-29T08:00:00Z", "1582934400", 5)),
        *({"at": value} for value in ("1582934400", 1582934400, 1.5, "2020-02-29", "20200229T080000Z", "08:00", True)),
        *({"at": value} for value in ("2020-02-29T08:00:00", "2021-02-29T08:00:00Z", "2020-02-29T25:00:00Z")),
    ],
)
def test_nothing_else_is_a_day_or_a_moment(read: Read, body: dict[str, Any]) -> None:
    """Digits would be seconds since 1970 to Pydantic."""
    with pytest.raises((ValidationError, RequestValidationError)):
        read(body)
