"""A dossier that counts from before its record (C14): what is flagged, and that nothing late becomes punctual by it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.processing.api.deadline_text import deadline_text
from services.processing.api.deadline_views import DeadlineView, deadline_view
from services.processing.domain.cases import Case
from services.processing.domain.deadlines import Deadline, deadline_of
from services.processing.domain.opening import Opened, open_case
from services.processing.domain.refolding import History, differences
from services.processing.domain.step_times import step_times
from services.processing.domain.timers import TimerKind, fire
from shared.contracts.facts import Backdating, BecameOverdue, DossierAccepted, Evidence, Language
from shared.rulebook.backdating import earliest_day
from shared.rulebook.calendar import ZONE
from shared.rulebook.catalogue import Case as Kind
from shared.rulebook.limits import Outcome, due, judge
from tests.unit.processing.office import CODE, MONDAY, accepted, kind_of, kinds, rules, walk

RECEIVED = MONDAY
RECORDED = datetime(2020, 3, 4, 10, 0, tzinfo=ZONE)
TWO_DAYS = kind_of("2.000528")


def backdated(kind: Kind, received: datetime, recorded: datetime) -> DossierAccepted:
    said = Backdating(
        recorded_at=recorded, evidence=Evidence.INCIDENT_RECORD, approved_by="chief", approving_agency="H56.97"
    )
    return accepted(kind, received).model_copy(update={"backdating": said})


def opened(kind: Kind = TWO_DAYS, received: datetime = RECEIVED, recorded: datetime = RECORDED) -> Opened:
    return open_case(CODE, backdated(kind, received, recorded), received, rules())


def explained(case: Case, kind: Kind = TWO_DAYS, *, officers: bool) -> tuple[DeadlineView, Deadline]:
    deadline = deadline_of(case, kind, [rules().calendar])
    times = step_times(case, kind, rules().calendar, RECORDED)
    return deadline_view(case, (kind, rules().agencies), deadline, times, officers=officers), deadline


def test_its_limits_run_from_when_it_was_received_and_its_first_step_until_it_was_recorded() -> None:
    case = opened().case
    assert case.accepted_at == RECEIVED
    assert case.promised_due == due(rules().calendar, TWO_DAYS.promised_limit, RECEIVED)
    first, second = case.steps[:2]
    assert (first.opened_at, first.completed_at, second.opened_at) == (RECEIVED, RECORDED, RECORDED)


@pytest.mark.parametrize("officers", [True, False])
def test_it_is_flagged_wherever_its_deadline_is_explained(officers: bool) -> None:
    view, deadline = explained(opened().case, officers=officers)
    assert view.backdating is not None
    assert (view.backdating.recorded_at, view.backdating.evidence.code) == (RECORDED, "incident_record")
    assert view.backdating.agency.code == "H56.97"
    assert view.backdating.officer == ("chief" if officers else None)
    vietnamese, english = [deadline_text(view, deadline, each) for each in (Language.VI, Language.EN)]
    assert "LÙI THỜI ĐIỂM TIẾP NHẬN (C14): ghi nhận lúc 10:00 thứ Tư 04/03/2020" in vietnamese
    assert "biên bản sự cố hệ thống" in vietnamese
    assert "COUNTED FROM BEFORE THE RECORD (C14)" in english
    assert ("chief" in vietnamese, "chief" in english) == (officers, officers)


def test_what_was_recorded_at_once_is_not_flagged() -> None:
    case = open_case(CODE, accepted(TWO_DAYS), MONDAY, rules()).case
    view, deadline = explained(case, officers=True)
    assert view.backdating is None
    assert "C14" not in deadline_text(view, deadline, Language.EN)


def test_a_clock_that_hides_its_backdating_is_found() -> None:
    case = opened().case
    history = History(CODE, backdated(TWO_DAYS, RECEIVED, RECORDED), RECEIVED, (), ())
    assert differences(case, history, rules(), ()) == ()
    hidden = open_case(CODE, accepted(TWO_DAYS), RECEIVED, rules()).case
    told = {each.what for each in differences(hidden, history, rules(), ())}
    assert {"recorded_at", "evidence", "approved_by", "approving_agency"} <= told


def test_what_was_due_before_it_was_recorded_is_overdue_at_its_due_moment() -> None:
    birth = kind_of("1.001193")
    found = opened(birth)
    timer = next(each for each in found.timers if each.kind is TimerKind.BECOME_OVERDUE)
    assert timer.fires_at < RECORDED
    (told,) = fire(found.case, [timer], RECORDED).facts
    assert isinstance(told.fact, BecameOverdue)
    assert told.legal_time == found.case.promised_due == datetime(2020, 3, 2, 17, 0, tzinfo=ZONE)


def moments() -> Iterator[datetime]:
    day = date(2020, 1, 15)  # Tết is in between
    while day < date(2020, 3, 20):
        for hour in (7, 12, 15, 18):
            yield datetime(day.year, day.month, day.day, hour, 0, 1, tzinfo=ZONE)
        day += timedelta(days=1)


@given(
    kind=st.sampled_from(kinds()),
    recorded=st.sampled_from(list(moments())),
    share=st.floats(0, 1),
    finished_after=st.timedeltas(timedelta(), timedelta(days=40)),
)
def test_nothing_late_becomes_punctual_by_backdating(
    kind: Kind, recorded: datetime, share: float, finished_after: timedelta
) -> None:
    """Whatever is finished late when it counts from its record is late as well when it counts from before it."""
    calendar = rules().calendar
    first = datetime.combine(earliest_day(calendar, recorded), datetime.min.time(), ZONE)
    received = first + share * (recorded - first)
    finished = recorded + finished_after
    for limit in (kind.promised_limit, kind.statutory_limit):
        at_once, backdated_due = due(calendar, limit, recorded), due(calendar, limit, received)
        assert backdated_due <= at_once
        if judge(at_once, finished) is Outcome.LATE:
            assert judge(backdated_due, finished) is Outcome.LATE


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: f"{kind.procedure_code}-{kind.case_code}")
def test_a_backdated_dossier_walks_and_folds_like_any_other(kind: Kind) -> None:
    case = opened(kind).case
    for _, _, decision in walk(case, RECORDED):
        case = decision.after
    assert case.finished_at is not None
    assert judge(case.promised_due, RECORDED + timedelta(days=90)) is Outcome.LATE
