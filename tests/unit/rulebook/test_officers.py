"""The register of officers by date: it narrows what a token says and never widens it."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from shared.contracts.officers import EntryKind
from shared.rulebook.calendar import ZONE
from shared.rulebook.officers import NOBODY_SAID, Entry, Register, Said, Seat

UNIT, OTHER = "H56.97.03", "H56.97.04"
FIRST, LAST = date(2020, 3, 2), date(2020, 3, 6)
BEFORE, AFTER = date(2020, 3, 1), date(2020, 3, 7)
ANNA, BOB = Seat(UNIT, "anna", "specialist"), Seat(UNIT, "bob", "specialist")


def register(*said: Said, agency: str = UNIT) -> Register:
    at = datetime(2020, 2, 28, 9, 0, tzinfo=ZONE)
    return Register([Entry(no, agency, each, at, "head") for no, each in enumerate(said, 1)])


def entry(kind: str, officer: str = "anna", **more: str | int | date | None) -> Said:
    return Said(**{"kind": EntryKind(kind), "officer": officer, "first_day": FIRST, "last_day": LAST, **more})  # type: ignore[arg-type]


def test_of_whom_it_says_nothing_his_token_is_believed() -> None:
    assert NOBODY_SAID.shuts_out(ANNA, FIRST) is None
    assert register(entry("revocation"), entry("seat")).shuts_out(BOB, FIRST) is None


@pytest.mark.parametrize("day", [FIRST, LAST])
def test_who_is_revoked_is_shut_out_on_each_day_and_let_in_before_and_after(day: date) -> None:
    revoked = register(entry("revocation"))
    assert revoked.shuts_out(ANNA, day) == "officer_revoked"
    assert [revoked.shuts_out(ANNA, each) for each in (BEFORE, AFTER)] == [None, None]
    for_good = register(entry("revocation", last_day=None))
    assert for_good.shuts_out(ANNA, date(2099, 1, 1)) == "officer_revoked"


def test_whoever_has_a_seat_sits_in_it_and_in_no_other_on_its_days() -> None:
    seated = register(entry("seat", role="specialist"))
    leader = ANNA._replace(role="leader")
    assert seated.shuts_out(ANNA, FIRST) is None
    assert seated.shuts_out(ANNA, AFTER) == "seat_not_held"
    assert seated.shuts_out(leader, FIRST) == "seat_not_held"
    both = register(entry("seat", role="specialist"), entry("seat", role="leader", first_day=AFTER, last_day=None))
    assert both.shuts_out(leader, AFTER) is None


def test_what_one_unit_says_counts_in_no_other() -> None:
    said = entry("revocation"), entry("seat", role="desk"), entry("absence", "carl", role="specialist", deputy="anna")
    elsewhere = register(*said, agency=OTHER)
    assert elsewhere.shuts_out(ANNA, FIRST) is None
    assert elsewhere.stands_for(ANNA, FIRST) == set()


def test_a_deputy_stands_for_the_absent_on_the_days_of_absence_in_their_role_alone() -> None:
    away = register(
        entry("absence", role="specialist", deputy="bob"),
        entry("absence", "carl", role="specialist", deputy="bob", first_day=LAST),
        entry("absence", "dora", role="specialist"),
    )
    assert away.stands_for(BOB, FIRST) == {"anna"}
    assert away.stands_for(BOB, LAST) == {"anna", "carl"}
    for day in (BEFORE, AFTER):
        assert away.stands_for(BOB, day) == set()
    assert away.stands_for(BOB._replace(role="leader"), FIRST) == set()
    assert away.stands_for(ANNA, FIRST) == set()


def test_whoever_is_absent_is_not_shut_out() -> None:
    assert register(entry("absence", role="specialist", deputy="bob")).shuts_out(ANNA, FIRST) is None


def test_what_was_withdrawn_says_nothing_and_is_not_withdrawn_twice() -> None:
    said = entry("revocation"), entry("withdrawal", withdraws=1)
    taken_back = register(*said)
    assert taken_back.shuts_out(ANNA, FIRST) is None
    assert taken_back.of(UNIT, FIRST) == []
    assert [each.no for each in taken_back.of(UNIT)] == [1, 2]
    standing = register(said[0]).standing(UNIT, 1)
    assert standing is not None
    assert standing.said is said[0]
    for of, agency, no in ((taken_back, UNIT, 1), (taken_back, UNIT, 2), (register(said[0]), OTHER, 1)):
        assert of.standing(agency, no) is None
