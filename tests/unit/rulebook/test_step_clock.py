"""The vectors of the steps' clocks (C10): each was worked out by hand, before the code that it judges.

`step_vectors.jsonl` has a line for each: the stays at each step, the pauses, when it was due and until when it is
looked at; expected are seconds of working time. A second program, the witness, comes to the same answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.rulebook.calendar import ZONE, Calendar
from shared.rulebook.loader import load_seed, parse_calendar
from shared.rulebook.office_hours import parse_office_hours, with_hours
from shared.rulebook.pauses import Pause, PauseKind
from shared.rulebook.step_clock import Stay, StepTaken, lateness, step_clocks
from tests.unit.rulebook import step_witness

VECTORS: list[dict[str, Any]] = [
    json.loads(line) for line in Path(__file__).with_name("step_vectors.jsonl").read_text("utf-8").splitlines()
]
IDS = [vector["id"] for vector in VECTORS]


def test_every_vector_has_a_name_and_a_calculation() -> None:
    assert len(set(IDS)) == len(VECTORS)
    assert all(vector["calculation"] for vector in VECTORS)


@pytest.mark.parametrize("vector", VECTORS, ids=IDS)
def test_the_witness_comes_to_the_same_answer(vector: dict[str, Any]) -> None:
    assert step_witness.answer(vector) == vector["expected"]


SEED = parse_calendar("calendar-1", load_seed().calendar)


@cache
def kept_by(hours: str) -> Calendar:
    return with_hours(SEED, parse_office_hours(json.loads(hours)))


class Offices(Calendar):
    """A calendar whose agencies keep the hours that a vector names."""

    __slots__ = ("hours",)

    def __init__(self, hours: dict[str, Any]) -> None:
        self.hours = hours

    def of(self, agency: str) -> Calendar:
        hours = self.hours.get(agency)
        return SEED if hours is None else kept_by(json.dumps(hours))


def moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=ZONE)


def reckoned(vector: dict[str, Any]) -> dict[str, Any]:
    calendar, until = Offices(vector.get("office_hours", {})), moment(vector["until"])
    assert until is not None
    steps = [
        StepTaken(no, step["agency"], timedelta(hours=step["allowance_hours"]), tuple(stays_of(step)))
        for no, step in enumerate(vector["steps"], 1)
    ]
    kinds = (PauseKind.SUPPLEMENT, PauseKind.POSTING, PauseKind.PAYMENT)
    pauses = [
        Pause(kind, begins, moment(ends))
        for kind, (text, ends) in zip(kinds, vector["pauses"], strict=False)
        if (begins := moment(text)) is not None
    ]
    clocks, due_at = step_clocks(calendar, steps, pauses, until), moment(vector["due"])
    late = None if due_at is None else lateness(SEED, due_at, until, clocks)
    parts = late.parts if late else (timedelta(),) * len(clocks)
    told = [
        {
            "used": int(clock.used.total_seconds()),
            "overrun": int(clock.overrun.total_seconds()),
            "part": int(part.total_seconds()),
            "runs_out_at": clock.runs_out_at and clock.runs_out_at.replace(tzinfo=None).isoformat(),
        }
        for clock, part in zip(clocks, parts, strict=True)
    ]
    total, desk = (int(late.total.total_seconds()), int(late.desk.total_seconds())) if late else (None, 0)
    return {"steps": told, "late": total, "desk": desk}


def stays_of(step: dict[str, Any]) -> Iterator[Stay]:
    for text, ends in step["stays"]:
        begins = moment(text)
        assert begins is not None
        yield Stay(begins, moment(ends))


@pytest.mark.parametrize("vector", VECTORS, ids=IDS)
def test_the_rulebook_comes_to_the_answer(vector: dict[str, Any]) -> None:
    assert reckoned(vector) == vector["expected"]


def walks() -> st.SearchStrategy[dict[str, Any]]:
    """Steps one after the other from the Monday before Tết, some left and taken up again, two pauses at most."""
    ticks = st.lists(st.integers(0, 60 * 24 * 9), min_size=9, max_size=9, unique=True).map(sorted)
    return st.tuples(ticks, st.lists(st.integers(0, 12), min_size=3, max_size=3), st.booleans(), st.booleans()).map(
        lambda drawn: walk(*drawn)
    )


def walk(ticks: list[int], hours: list[int], still_open: bool, paused_still: bool) -> dict[str, Any]:
    monday = datetime(2020, 1, 20, 7, tzinfo=ZONE)
    at = [(monday + timedelta(minutes=tick)).replace(tzinfo=None).isoformat() for tick in ticks]
    last = None if still_open else at[7]
    return {
        "steps": [
            {"agency": "A", "allowance_hours": hours[0], "stays": [[at[0], at[1]], [at[3], at[5]]]},
            {"agency": "B", "allowance_hours": hours[1], "stays": [[at[1], at[3]]]},
            {"agency": "C", "allowance_hours": hours[2], "stays": [[at[5], last]]},
        ],
        "pauses": [[at[2], at[4]], [at[6], None if paused_still else at[7]]],
        "due": at[4],
        "until": at[8],
        "office_hours": {"B": {"mon": [["08:00", "12:00"]], "tue": [["08:00", "12:00"]], "sat": [["08:00", "12:00"]]}},
    }


@settings(max_examples=30, deadline=None)
@given(vector=walks())
def test_the_witness_and_the_rulebook_agree_on_random_walks(vector: dict[str, Any]) -> None:
    found = reckoned(vector)
    assert found == step_witness.answer(vector)
    parts = sum(step["part"] for step in found["steps"]) + found["desk"]
    assert parts == (found["late"] or 0)
