"""The clocks of a dossier's steps across agencies (C10): attributed, told by agency, folded from facts alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.processing.api.deadline_text import deadline_text
from services.processing.api.deadline_views import DeadlineView, deadline_view
from services.processing.domain.acts import Act, Officer
from services.processing.domain.cases import Case, Stay
from services.processing.domain.deadlines import deadline_of
from services.processing.domain.duties import duties
from services.processing.domain.reasons import ReopeningReason, ReturnReason
from services.processing.domain.refolding import Heard, History, differences
from services.processing.domain.step_times import step_times
from services.processing.domain.workflow import Decision, decide
from shared.contracts.facts import Language
from shared.rulebook.calendar import ZONE
from tests.unit.processing.office import CODE, MONDAY, accepted, do, kind_of, means, opened, rules

ALLOWANCE = kind_of("1.010803")
"""A social allowance: commune, offices of the district, the province's department, and back; 8 working days."""
COMMUNE, DISTRICT_DESK, OFFICE, DEPARTMENT = "H56.97.21", "H56.97.01", "H56.97.03", "H56.91"


def march(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2020, 3, day, hour, minute, tzinfo=ZONE)


COMPLETED = {
    2: march(3, 17),
    3: march(4, 9),
    4: march(6, 11, 30),
    5: march(6, 15),
    6: march(13, 10),
    7: march(13, 14),
    8: march(13, 15),
}
"""When the work of each step is done: three of them take longer than they may."""


@dataclass
class Dossier:
    """A dossier and its facts."""

    case: Case = field(default_factory=lambda: opened(ALLOWANCE).case)
    told: list[Heard] = field(default_factory=list)

    def keep(self, decision: Decision) -> None:
        self.case = decision.after
        self.told += [Heard(each.fact, each.legal_time) for each in decision.facts]

    def walk(self, completed: Mapping[int, datetime], last: str = "finish") -> None:
        """Do what is owed, each step at its time, until this is done."""
        while True:
            duty = duties(self.case)[0]
            step = next(self.case.open_steps())
            self.keep(do(self.case, duty, completed[step.no]))
            if duty.action == last:
                return

    def act(self, act: Act, officer: Officer, at: datetime) -> None:
        case = self.case
        self.keep(decide(case, act, officer, at, seen_version=case.version, means=means()))

    def differing(self, case: Case | None = None) -> list[str]:
        history = History(CODE, accepted(ALLOWANCE), MONDAY, (), tuple(self.told))
        return [each.what for each in differences(case or self.case, history, rules(), ())]


@pytest.fixture
def late() -> Dossier:
    dossier = Dossier()
    dossier.walk(COMPLETED)
    return dossier


def view_of(case: Case, now: datetime, *, officers: bool = True) -> tuple[DeadlineView, str, str]:
    deadline, times = (
        deadline_of(case, ALLOWANCE, [rules().calendar]),
        step_times(case, ALLOWANCE, rules().calendar, now),
    )
    view = deadline_view(case, (ALLOWANCE, rules().agencies), deadline, times, officers=officers)
    return view, deadline_text(view, deadline, Language.VI), deadline_text(view, deadline, Language.EN)


def test_lateness_is_told_step_by_step_across_commune_district_and_department(late: Dossier) -> None:
    """Due Thu 12/3 17:00, finished Fri 13/3 15:00: 270 + 90 min late, in proportion to 240, 270 and 1020 min.

    Step 2: Mon 360, Tue 480: 840 of 600. Step 3: Wed 120 of 240. Step 4: Wed 360, Thu 480, Fri 270: 1110 of 840. Step
    5: Fri 90 of 240. Step 6: Fri 120, Mon to Thu 1920, Fri 180: 2220 of 1200. Step 7: 120 of 240. Step 8: 60 of 240.
    """
    assert late.case.promised_due == march(12, 17)
    view, _, _ = view_of(late.case, march(20, 9))
    assert view.steps is not None
    assert view.lateness is not None
    told = [(step.step_no, step.used_seconds // 60, step.overrun_seconds // 60) for step in view.steps]
    assert told == [
        (1, 0, 0),
        (2, 840, 240),
        (3, 120, 0),
        (4, 1110, 270),
        (5, 90, 0),
        (6, 2220, 1020),
        (7, 120, 0),
        (8, 60, 0),
    ]
    assert [step.lateness_seconds for step in view.steps] == [0, 3388, 0, 3812, 0, 14400, 0, 0]
    by_agency = {part.agency.code: part.lateness_seconds for part in view.lateness.by_agency}
    assert by_agency == {COMMUNE: 3388, OFFICE: 3812, DEPARTMENT: 14400}
    assert view.lateness.seconds == sum(by_agency.values()) == (270 + 90) * 60


def test_the_applicant_is_told_which_agencies_are_late_and_no_inner_order(late: Dossier) -> None:
    officers, vietnamese, _ = view_of(late.case, march(20, 9))
    public, of_applicant, english = view_of(late.case, march(20, 9), officers=False)
    assert public.steps is None
    assert public.lateness == officers.lateness
    assert "QUÁ HẠN 360 phút làm việc (C10)" in vietnamese
    assert "THỜI GIAN TỪNG BƯỚC" in vietnamese
    assert "2220 phút trên 1200 phút; vượt 1020 phút" in vietnamese
    assert "THỜI GIAN TỪNG BƯỚC" not in of_applicant
    assert "LATE by 360 min of working time (C10)" in english
    assert "240 min" in english, "the department's part"


def test_where_no_step_overran_the_desk_is_late() -> None:
    """Every step was quick, and the sum of what they may take is below the total: so the moment is moved here."""
    dossier = Dossier()
    quick = {no: MONDAY + timedelta(minutes=10 * no) for no in COMPLETED}
    dossier.walk(quick)
    case = replace(dossier.case, promised_due=MONDAY + timedelta(minutes=60))
    found = step_times(case, ALLOWANCE, rules().calendar, march(20, 9))
    assert found.lateness is not None
    assert (found.lateness.desk, found.lateness.total) == (timedelta(minutes=20), timedelta(minutes=20))


def test_who_finished_in_time_is_not_late_whatever_a_step_overran() -> None:
    dossier = Dossier()
    dossier.walk({no: march(4, 16) for no in COMPLETED})
    view, vietnamese, _ = view_of(dossier.case, march(20, 9))
    assert view.lateness is None
    assert view.steps is not None
    assert [step.overrun_seconds > 0 for step in view.steps[:3]] == [False, True, False]
    assert "QUÁ HẠN" not in vietnamese


def test_an_open_step_says_when_its_time_runs_out_and_who_is_late_so_far() -> None:
    """Step 2 has 600 min from Mon 09:00: 360 on Monday, 240 on Tuesday until 11:00."""
    dossier = Dossier()
    view, _, english = view_of(dossier.case, march(2, 10))
    assert view.steps is not None
    assert (view.steps[1].runs_out_at, view.steps[1].left_seconds) == (march(3, 11), 540 * 60)
    assert "its time runs out 11:00 Tuesday 2020-03-03" in english
    overdue, _, _ = view_of(dossier.case, march(13, 8))
    assert overdue.lateness is not None
    assert [(part.agency.code, part.lateness_seconds) for part in overdue.lateness.by_agency] == [(COMMUNE, 3600)]


def test_a_returned_step_goes_on_with_the_time_it_has_left() -> None:
    dossier = Dossier()
    dossier.walk({2: march(2, 11)}, last="forward")
    officer = Officer("anna", "desk", DISTRICT_DESK)
    dossier.act(Act("return_step", step_no=3, to_step=2, reason=ReturnReason.FACTS_UNCLEAR), officer, march(3, 8))
    view, _, _ = view_of(dossier.case, march(3, 9))
    assert view.steps is not None
    assert (view.steps[1].used_seconds, view.steps[1].left_seconds) == (180 * 60, 420 * 60)
    assert (view.steps[2].used_seconds, view.steps[2].runs_out_at) == ((30 + 210 + 60) * 60, None)
    assert dossier.differing() == []


def test_while_it_was_finished_no_step_ran_and_after_it_is_reopened_one_does(late: Dossier) -> None:
    boss = Officer("boss", "leader", late.case.competent_agency)
    late.act(Act("reopen", reason=ReopeningReason.RESULT_FAULTY), boss, march(20, 9))
    view, _, _ = view_of(late.case, march(20, 10))
    assert view.steps is not None
    assert view.steps[7].used_seconds == (60 + 60) * 60
    assert late.differing() == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"opened_at": march(3, 8)}, "step 4 opened_at"),
        ({"completed_at": march(5, 8)}, "step 4 completed_at"),
        ({"earlier": (Stay(march(2, 10), march(2, 11)),)}, "step 4 earlier"),
        ({"agency": COMMUNE}, "step 4 agency"),
    ],
)
def test_a_step_that_is_stored_otherwise_than_its_facts_say_is_found(
    late: Dossier, change: dict[str, Any], what: str
) -> None:
    assert late.differing() == []
    steps = tuple(replace(step, **change) if step.no == 4 else step for step in late.case.steps)
    assert late.differing(replace(late.case, steps=steps)) == [what]
    assert late.differing(replace(late.case, steps=steps[:-1]))[0] == "steps"
