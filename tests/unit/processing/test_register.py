"""The register of officers by date: it narrows what a token says and never widens it."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from services.processing.domain.acts import Officer
from services.processing.domain.refusals import NotAllowed, UnknownEntry
from services.processing.domain.register import Entry, EntryKind, Register, Said
from shared.rulebook.calendar import ZONE

UNIT, OTHER = "H56.97.03", "H56.97.04"
FIRST, LAST = date(2020, 3, 2), date(2020, 3, 6)
BEFORE, AFTER = date(2020, 3, 1), date(2020, 3, 7)
ANNA, BOB = Officer("anna", "specialist", UNIT), Officer("bob", "specialist", UNIT)


def register(*said: Said, agency: str = UNIT) -> Register:
    at = datetime(2020, 2, 28, 9, 0, tzinfo=ZONE)
    return Register([Entry(no, agency, each, at, "head") for no, each in enumerate(said, 1)])


def entry(kind: str, officer: str = "anna", **more: str | int | date | None) -> Said:
    return Said(**{"kind": EntryKind(kind), "officer": officer, "first_day": FIRST, "last_day": LAST, **more})  # type: ignore[arg-type]


def refusal(of: Register, officer: Officer, day: date) -> str:
    with pytest.raises(NotAllowed) as refused:
        of.admit(officer, day)
    return refused.value.code


def test_of_whom_it_says_nothing_his_token_is_believed() -> None:
    assert Register().admit(ANNA, FIRST) is ANNA
    assert register(entry("revocation"), entry("seat")).admit(BOB, FIRST) is BOB


@pytest.mark.parametrize("day", [FIRST, LAST])
def test_who_is_revoked_is_refused_on_each_day_and_let_in_before_and_after(day: date) -> None:
    revoked = register(entry("revocation"))
    assert refusal(revoked, ANNA, day) == "officer_revoked"
    assert [revoked.admit(ANNA, each) for each in (BEFORE, AFTER)] == [ANNA, ANNA]
    for_good = register(entry("revocation", last_day=None))
    assert refusal(for_good, ANNA, date(2099, 1, 1)) == "officer_revoked"


def test_whoever_has_a_seat_sits_in_it_and_in_no_other_on_its_days() -> None:
    seated = register(entry("seat", role="specialist"))
    assert seated.admit(ANNA, FIRST) is ANNA
    assert refusal(seated, ANNA, AFTER) == "seat_not_held"
    assert refusal(seated, Officer("anna", "leader", UNIT), FIRST) == "seat_not_held"
    both = register(entry("seat", role="specialist"), entry("seat", role="leader", first_day=AFTER, last_day=None))
    assert both.admit(Officer("anna", "leader", UNIT), AFTER).role == "leader"


def test_what_one_unit_says_counts_in_no_other() -> None:
    said = entry("revocation"), entry("seat", role="desk"), entry("absence", "carl", role="specialist", deputy="anna")
    assert register(*said, agency=OTHER).admit(ANNA, FIRST) is ANNA


def test_a_deputy_stands_for_the_absent_on_the_days_of_absence_in_their_role_alone() -> None:
    away = register(
        entry("absence", role="specialist", deputy="bob"),
        entry("absence", "carl", role="specialist", deputy="bob", first_day=LAST),
        entry("absence", "dora", role="specialist"),
    )
    assert away.admit(BOB, FIRST).names == ("bob", "anna")
    assert away.admit(BOB, LAST).names == ("bob", "anna", "carl")
    for day in (BEFORE, AFTER):
        assert away.admit(BOB, day) is BOB
    leader = Officer("bob", "leader", UNIT)
    assert away.admit(leader, FIRST) is leader
    assert away.admit(ANNA, FIRST) is ANNA


def test_what_was_withdrawn_says_nothing_and_is_not_withdrawn_twice() -> None:
    said = entry("revocation"), entry("withdrawal", withdraws=1)
    taken_back = register(*said)
    assert taken_back.admit(ANNA, FIRST) is ANNA
    assert taken_back.of(UNIT, FIRST) == []
    assert [each.no for each in taken_back.of(UNIT)] == [1, 2]
    assert register(said[0]).standing(UNIT, 1).said is said[0]
    for of, agency, no in ((taken_back, UNIT, 1), (taken_back, UNIT, 2), (register(said[0]), OTHER, 1)):
        with pytest.raises(UnknownEntry):
            of.standing(agency, no)
