"""A clock folded from facts alone is the one that acts left behind; what is stored otherwise is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.processing.domain.acts import Act, Officer
from services.processing.domain.cases import Case
from services.processing.domain.deadlines import deadline_of
from services.processing.domain.duties import duties
from services.processing.domain.refolding import LOOKED_AT, Difference, Heard, History, differences
from services.processing.domain.reissuing import Applied, check
from services.processing.domain.timers import TimerKind
from services.processing.domain.workflow import Decision
from shared.contracts.facts import Filer, PapersReceived, State
from shared.rulebook.calendar import Calendar
from shared.rulebook.catalogue import Case as Kind
from tests.unit.processing.office import CODE, MONDAY, accepted, kinds, opened, rules, walk
from tests.unit.processing.test_pausing import ARRIVED, ASK, ASKED, CLERK, PAPERS, VERIFIED, acted, arrive, march

SECOND = timedelta(seconds=1)


@dataclass
class Dossier:
    """A dossier as it is stored, and the facts that were told of it."""

    kind: Kind
    case: Case
    papers: list[Heard] = field(default_factory=list)
    told: list[Heard] = field(default_factory=list)
    since: tuple[Calendar, ...] = ()

    @classmethod
    def of(cls, kind: Kind = VERIFIED) -> Dossier:
        return cls(kind, opened(kind).case)

    def keep(self, decision: Decision) -> None:
        self.case = decision.after
        self.told += [Heard(each.fact, each.legal_time) for each in decision.facts]

    def act(self, act: Act, officer: Officer, at: datetime) -> None:
        self.keep(acted(self.case, act, officer, at))

    def papers_arrive(self, at: datetime, missing: tuple[str, ...] = (), *, applied: bool = True) -> None:
        fact = PapersReceived(
            catalogue_version="",
            calendar_version="",
            received_by=self.case.received_by,
            by=Filer.CITIZEN,
            officer="",
            papers=PAPERS,
            missing=missing,
        )
        self.papers.append(Heard(fact, at))
        if applied:
            self.case = arrive(self.case, at, missing)

    def history(self) -> History:
        return History(CODE, accepted(self.kind), MONDAY, tuple(self.papers), tuple(self.told))

    def differing(self, **changes: Any) -> list[Difference]:
        return list(differences(replace(self.case, **changes), self.history(), rules(), self.since))


def supplemented() -> Dossier:
    dossier = Dossier.of()
    dossier.act(ASK, CLERK, ASKED)
    dossier.papers_arrive(march(10, 9), missing=PAPERS)
    dossier.papers_arrive(ARRIVED)
    return dossier


def finished() -> Dossier:
    dossier = Dossier.of()
    for _, _, decision in walk(dossier.case, MONDAY):
        dossier.keep(decision)
        if dossier.case.finished_at is not None:
            break
    return dossier


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: f"{kind.procedure_code}-{kind.case_code}")
def test_every_walk_folds_to_what_it_left_behind(kind: Kind) -> None:
    dossier = Dossier.of(kind)
    assert dossier.differing() == []
    for _, _, decision in walk(dossier.case):
        dossier.keep(decision)
    assert dossier.case.state is State.HANDED_OVER
    assert dossier.differing() == []


def test_a_supplement_folds_before_and_after_it_is_confirmed_and_a_second_one_too() -> None:
    dossier = supplemented()
    assert (dossier.case.state, dossier.differing()) == (State.WAITING_FOR_PAPERS, [])
    dossier.act(Act("receive_supplement"), CLERK, march(12, 9))
    assert dossier.differing() == []
    assigned = duties(dossier.case)[0]
    dossier.act(
        Act("assign", officer="anna", agency=assigned.step_agency, step_no=assigned.step_no), CLERK, march(12, 9)
    )
    anna, chief = (Officer("anna", role, assigned.step_agency) for role in ("specialist", "leader"))
    dossier.act(Act("propose_supplement", papers=PAPERS), anna, march(12, 9))
    dossier.act(Act("approve_supplement"), chief, march(12, 9))
    assert dossier.differing() == [], "asked again in the very second of the confirmation"
    dossier.papers_arrive(march(13, 9))
    assert dossier.differing() == []


def closed(*, applied: bool) -> Dossier:
    """Papers reach intake after their limit, while the desk refuses the dossier for want of them."""
    dossier = Dossier.of()
    dossier.act(ASK, CLERK, ASKED)
    late = (dossier.case.halts[0].limit_at or ASKED) + SECOND
    dossier.papers_arrive(late, applied=applied)
    dossier.act(Act("refuse_after_limit"), CLERK, late + SECOND)
    return dossier


@pytest.mark.parametrize("applied", [True, False])
def test_papers_that_cross_a_refusal_on_the_way_are_no_difference(applied: bool) -> None:
    dossier = closed(applied=applied)
    assert (dossier.case.state, dossier.differing()) == (State.REFUSED, [])
    assert [each.what for each in dossier.differing(promised_due=MONDAY)] == ["promised_due"]


def test_papers_that_come_after_the_end_change_nothing() -> None:
    dossier = Dossier.of()
    dossier.act(ASK, CLERK, ASKED)
    late = (dossier.case.halts[0].limit_at or ASKED) + SECOND
    dossier.act(Act("refuse_after_limit"), CLERK, late)
    dossier.papers_arrive(late + SECOND)
    assert dossier.differing() == []


def test_a_due_moment_set_by_hand_is_told_with_both_values() -> None:
    dossier = supplemented()
    assert dossier.differing(statutory_due=march(17)) == [
        Difference(CODE, "statutory_due", "2020-03-17T17:00:00+07:00", "2020-03-16T17:00:00+07:00")
    ]


def rotten(dossier: Dossier) -> Iterator[tuple[str, Any]]:
    """What nobody told: each thing that follows from facts, stored as another one."""
    for name in LOOKED_AT:
        value = getattr(dossier.case, name)
        yield name, State.STOPPED if name == "state" else (value or MONDAY) + SECOND


@pytest.mark.parametrize("made", [supplemented, finished], ids=["supplemented", "finished"])
def test_whatever_moved_without_a_fact_is_told(made: Callable[[], Dossier]) -> None:
    dossier = made()
    for name, value in rotten(dossier):
        assert [each.what for each in dossier.differing(**{name: value})] == [name]


@pytest.mark.parametrize(
    "change",
    [
        {"begins_at": ASKED - SECOND},
        {"ends_at": ARRIVED + SECOND},
        {"officer": "somebody"},
        {"agency": "H56.90"},
        {"basis": "nd118_2025"},
        {"papers": ("another",)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_pause_that_is_told_otherwise_is_found(change: dict[str, Any]) -> None:
    dossier = supplemented()
    (halt,) = dossier.case.halts
    name = next(iter(change))
    assert [each.what for each in dossier.differing(halts=(replace(halt, **change),))] == [f"pause 1 {name}"]


def test_a_pause_that_nobody_told_and_one_that_is_gone_are_found() -> None:
    dossier = supplemented()
    assert [tuple(each[1:]) for each in dossier.differing(halts=())] == [("pause 1", "none", "supplement")]
    nothing = Dossier.of()
    (found,) = nothing.differing(halts=dossier.case.halts)
    assert found == Difference(CODE, "pause 1", "supplement", "none")


def test_a_date_may_go_by_any_calendar_published_since_but_not_where_facts_told_another() -> None:
    day_off = Calendar("calendar-2-bbbbbbbbbbbb", rules().calendar.content, {march(12).date(): ()})
    dossier = supplemented()
    assert [each.what for each in dossier.differing(statutory_due=march(17))] == ["statutory_due"]
    dossier.since = (rules().calendar, day_off)
    assert dossier.differing(statutory_due=march(17)) == [], "papers let it go on, and nobody has told until when"
    dossier.act(Act("receive_supplement"), CLERK, march(12, 9))
    assert dossier.differing() == []
    assert [each.what for each in dossier.differing(statutory_due=march(17))] == ["statutory_due"]


def test_a_date_that_was_issued_anew_is_explained_and_folds_by_its_calendar() -> None:
    dossier = Dossier.of()
    day_off = Calendar("calendar-2-bbbbbbbbbbbb", rules().calendar.content, {march(4).date(): ()})
    checked = check(dossier.case, VERIFIED, Applied(day_off, march(2, 10)), frozenset(TimerKind))
    assert checked.promise_moved
    dossier.case, dossier.since = checked.after, (rules().calendar, day_off)
    dossier.told += [Heard(each.fact, each.legal_time) for each in checked.facts]
    assert dossier.differing() == []
    assert [each.what for each in dossier.differing(promised_due=march(4))] == ["promised_due"]
    found = deadline_of(dossier.case, VERIFIED, (rules().calendar, day_off))
    assert (found.promised.calendar_version, found.promised.explanation.reaches) == (day_off.version, march(5))


def test_weakness_1_a_finish_that_was_set_back_to_the_due_moment_is_found() -> None:
    """The systems in use set the completion date back to the due date: late becomes on time."""
    dossier = Dossier.of()
    for _, _, decision in walk(dossier.case, march(20, 9)):
        dossier.keep(decision)
    assert dossier.case.finished_at is not None
    assert dossier.case.finished_at > dossier.case.promised_due
    (found,) = dossier.differing(finished_at=dossier.case.promised_due)
    assert found.what == "finished_at"
