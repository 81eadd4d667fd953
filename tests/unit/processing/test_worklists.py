"""How urgent a dossier is, and whose worklist an officer may look at."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from services.processing.domain.acts import Officer
from services.processing.domain.cases import Clock
from services.processing.domain.refusals import NotAllowed
from services.processing.domain.worklists import Filters, Selection, Urgency, days_of, select, span_of, urgency_of
from shared.rulebook.calendar import ZONE
from tests.unit.processing.office import rules

FRIDAY = datetime(2020, 3, 6, 9, 0, tzinfo=ZONE)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("due", "urgency"),
    [
        (FRIDAY - SECOND, Urgency.LATE),
        (FRIDAY, Urgency.DUE_TODAY),  # equal is on time (C11)
        (FRIDAY.replace(hour=17), Urgency.DUE_TODAY),
        (datetime(2020, 3, 9, 7, 30, tzinfo=ZONE), Urgency.AT_RISK),  # Monday is the next working day
        (datetime(2020, 3, 9, 23, 59, 59, tzinfo=ZONE), Urgency.AT_RISK),
        (datetime(2020, 3, 10, 0, 0, tzinfo=ZONE), Urgency.IN_TIME),
    ],
)
def test_urgency_goes_by_the_promised_moment_and_the_next_working_day(due: datetime, urgency: Urgency) -> None:
    assert urgency_of(Clock.RUNNING, due, days_of(rules().calendar, FRIDAY)) is urgency


def test_what_is_paused_or_finished_is_never_late() -> None:
    days = days_of(rules().calendar, FRIDAY)
    assert urgency_of(Clock.PAUSED, FRIDAY - SECOND, days) is Urgency.PAUSED
    assert urgency_of(Clock.OVER, FRIDAY - SECOND, days) is Urgency.FINISHED


def test_over_tet_the_day_after_the_holidays_is_at_risk() -> None:
    days = days_of(rules().calendar, datetime(2020, 1, 22, 16, 0, tzinfo=ZONE))
    assert urgency_of(Clock.RUNNING, datetime(2020, 1, 30, 17, 0, tzinfo=ZONE), days) is Urgency.AT_RISK


def test_where_the_calendar_ends_the_next_day_counts_as_a_working_day() -> None:
    last = rules().calendar.content.last_year
    days = days_of(rules().calendar, datetime(last, 12, 31, 9, 0, tzinfo=ZONE))
    assert urgency_of(Clock.RUNNING, datetime(last + 1, 1, 1, 9, 0, tzinfo=ZONE), days) is Urgency.AT_RISK


@pytest.mark.parametrize("minutes", range(0, 7 * 24 * 60, 211))
def test_each_moment_is_in_the_span_of_its_urgency_and_of_no_other(minutes: int) -> None:
    days = days_of(rules().calendar, FRIDAY)
    due = FRIDAY - timedelta(days=2) + timedelta(minutes=minutes)
    for clock in Clock:
        spans = {urgency: span_of(urgency, days) for urgency in Urgency}
        found = [urgency for urgency, span in spans.items() if span.clock is clock and span.begins <= due < span.ends]
        assert found == [urgency_of(clock, due, days)]


ANNA = Officer("anna", "specialist", "H56.97.03", stands_for=frozenset({"bob"}))
HEAD = Officer("head", "leader", "H56.97")


def below(agency: str) -> bool:
    return agency.startswith("H56.97")


def test_an_officer_sees_what_is_free_in_his_office_his_own_and_whom_he_stands_for() -> None:
    assert select(ANNA, Filters(), below) == Selection("H56.97.03", "specialist", ("anna", "bob"), free=True)
    assert select(ANNA, Filters(officer="bob"), below) == Selection("H56.97.03", "specialist", ("bob",), free=False)


def test_a_leader_sees_whatever_a_unit_below_him_owes() -> None:
    seen = select(HEAD, Filters(unit="H56.97.03", office="specialist"), below)
    assert seen == Selection("H56.97.03", "specialist", None, free=True)
    one = select(HEAD, Filters(unit="H56.97.03", office="specialist", officer="anna"), below)
    assert one == Selection("H56.97.03", "specialist", ("anna",), free=False)


@pytest.mark.parametrize(
    ("viewer", "filters", "code"),
    [
        (ANNA, Filters(officer="carl"), "role_not_allowed"),
        (ANNA, Filters(office="leader"), "role_not_allowed"),
        (ANNA, Filters(unit="H56.97"), "role_not_allowed"),
        (HEAD, Filters(unit="H56.92.01"), "agency_not_allowed"),
    ],
)
def test_nobody_else_looks_over_shoulders(viewer: Officer, filters: Filters, code: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        select(viewer, filters, below)
    assert refused.value.code == code
