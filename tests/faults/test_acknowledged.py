"""The judge of an outage finds nothing in a sound one, and each violation planted in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.faults.acknowledged import (
    EXPECTED,
    Heard,
    Placed,
    judge_answers,
    judge_figure,
    judge_rate,
    judge_table,
    judge_topic,
)
from tests.faults.signals import DidNotStrike

CODES = ["A", "B", "C"]
SOUND: list[Placed] = [
    ("A", "intake", 1, "a1"),
    ("B", "intake", 1, "b1"),
    ("A", "processing", 1, "p1"),
    ("C", "intake", 1, "c1"),
    ("A", "processing", 2, "p2"),
    ("A", "processing", 1, "p1"),
]
"""Every dossier in its order; one fact came again, late, as it may."""


def heard(server: str, asked: int = 100) -> Heard:
    return Heard(seconds=10.0, statuses=Counter({EXPECTED[server]: asked}))


@pytest.mark.parametrize("server", EXPECTED)
def test_nothing_is_found_in_a_sound_outage(server: str) -> None:
    assert judge_answers(server, heard(server)) == judge_rate(heard(server), 10) == []
    assert judge_table("cases", CODES, CODES[::-1]) == judge_topic(CODES, SOUND) == []
    assert judge_figure("received", CODES, 3) == []


@pytest.mark.parametrize("server", EXPECTED)
@pytest.mark.parametrize("status", [0, 200, 201, 409, 500, 503])
def test_one_answer_of_another_kind_is_found(server: str, status: int) -> None:
    found = heard(server)
    found.statuses[status] += 1
    assert judge_answers(server, found) == ([] if status == EXPECTED[server] else [f"1 answers {status}"])


def test_a_503_that_does_not_say_when_to_come_again_is_found() -> None:
    assert judge_answers("postgres", replace(heard("postgres"), without_retry_after=1)) == [
        "1 answers 503 without Retry-After"
    ]


@pytest.mark.parametrize("server", EXPECTED)
def test_an_outage_in_which_nobody_filed_is_none(server: str) -> None:
    with pytest.raises(DidNotStrike):
        judge_answers(server, Heard(seconds=10.0))


def test_desks_that_fell_behind_are_found() -> None:
    assert judge_rate(heard("kafka", asked=94), 10) == ["desks asked 9 times a second, 10 were wanted"]


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (["A", "C"], "lacks 1 acknowledged dossiers: B"),
        (["A", "B", "C", "X"], "has 1 that nobody was told of: X"),
        (["A", "B", "B", "C"], "has 1 twice"),
    ],
)
def test_what_is_lost_foreign_or_doubled_in_a_table_is_found(there: list[str], said: str) -> None:
    (found,) = judge_table("cases", CODES, there)
    assert found.startswith(f"cases {said}")


@pytest.mark.parametrize("received", [2, 4])
def test_what_is_counted_twice_or_never_is_found(received: int) -> None:
    assert judge_figure("received", CODES, received) == [f"received is {received}, 3 were acknowledged"]


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([record for record in SOUND if record[0] != "B"], "the topic lacks 1 acknowledged dossiers: B"),
        ([*SOUND, ("X", "intake", 1, "x1")], "the topic has 1 that nobody was told of: X"),
        ([*SOUND, ("C", "intake", 1, "another")], "two facts of C by intake under one number, or out of order"),
        ([*SOUND, ("A", "processing", 4, "p4")], "two facts of A by processing under one number, or out of order"),
        (SOUND[-2::-1], "two facts of A by processing under one number, or out of order"),
    ],
    ids=("lost", "foreign", "doubled", "gap", "reversed"),
)
def test_what_is_lost_foreign_doubled_or_disordered_on_the_topic_is_found(records: list[Placed], said: str) -> None:
    (found,) = judge_topic(CODES, records)
    assert found.startswith(said)
