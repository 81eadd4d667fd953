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
PUBLISHED = march(6, 9)


@dataclass
class Dossier:
    """A dossier as it is stored, and the facts that were told of it."""

    kind: Kind
    case: Case
    papers: list[Heard] = field(default_factory=list)
    told: list[Heard] = field(default_factory=list)
    since: tuple[Applied, ...] = ()

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
    dossier.since = (Applied(rules().calendar, MONDAY), Applied(day_off, march(12, 9)))
    assert dossier.differing(statutory_due=march(17)) == [], "papers let it go on, and nobody has told until when"
    dossier.act(Act("receive_supplement"), CLERK, march(12, 9))
    assert dossier.differing() == []
    assert [each.what for each in dossier.differing(statutory_due=march(17))] == ["statutory_due"]


def test_a_date_that_was_issued_anew_is_explained_and_folds_by_its_calendar() -> None:
    dossier = Dossier.of()
    day_off = Calendar("calendar-2-bbbbbbbbbbbb", rules().calendar.content, {march(4).date(): ()})
    checked = check(dossier.case, VERIFIED, Applied(day_off, march(2, 10)), frozenset(TimerKind))
    assert checked.promise_moved
    dossier.case, dossier.since = checked.after, (Applied(rules().calendar, MONDAY), Applied(day_off, march(2, 10)))
    dossier.told += [Heard(each.fact, each.legal_time) for each in checked.facts]
    assert dossier.differing() == []
    assert [each.what for each in dossier.differing(promised_due=march(4))] == ["promised_due"]
    found = deadline_of(dossier.case, VERIFIED, (rules().calendar, day_off))
    assert (found.promised.calendar_version, found.promised.explanation.reaches) == (day_off.version, march(5))


def waited_for(published: datetime = PUBLISHED) -> tuple[Dossier, Calendar]:
    """Five working days from Wednesday 4 March: until the 11th, and with the 10th off until the 12th."""
    dossier = Dossier.of()
    dossier.act(ASK, CLERK, ASKED)
    day_off = Calendar("calendar-2-bbbbbbbbbbbb", rules().calendar.content, {march(10).date(): ()})
    dossier.since = (Applied(rules().calendar, MONDAY), Applied(day_off, published))
    return dossier, day_off


def follow(dossier: Dossier, day_off: Calendar) -> None:
    checked = check(dossier.case, VERIFIED, Applied(day_off, dossier.since[-1].at), frozenset(TimerKind))
    dossier.case = checked.after
    dossier.told += [Heard(each.fact, each.legal_time) for each in checked.facts]


def test_an_applicants_own_limit_folds_as_it_was_told_and_as_each_calendar_leaves_it() -> None:
    dossier, day_off = waited_for()
    assert dossier.differing() == [], "it does not follow that calendar yet"
    short = replace(dossier.case, calendar_followed=day_off.version)
    follow(dossier, day_off)
    assert (dossier.case.halts[0].limit_at, dossier.differing()) == (march(12), [])
    moved, dossier.case = dossier.case, short
    told = dossier.told.pop()
    assert dossier.differing() == [
        Difference(CODE, "pause 1 limit_at", "2020-03-11T17:00:00+07:00", "2020-03-12T17:00:00+07:00")
    ], "nobody has given him the day that was taken from him"
    dossier.case = moved
    assert [each.what for each in dossier.differing()] == [
        *("pause 1 limit_at", "pause 1 first_limit_at", "pause 1 limit_calendar")
    ], "it moved without a fact"
    usual = Calendar("calendar-3-cccccccccccc", rules().calendar.content)
    since, dossier.since = dossier.since, (*dossier.since, Applied(usual, march(6, 10)))
    dossier.case = replace(short, calendar_followed=usual.version)
    assert dossier.differing() == [], "a dossier may pass over a version that was taken back"
    dossier.case, dossier.since = moved, since
    dossier.told.append(told)
    (halt,) = moved.halts
    for limit_at in (march(11), march(13)):
        by_hand = dossier.differing(halts=(replace(halt, limit_at=limit_at),))
        assert [each.what for each in by_hand] == ["pause 1 limit_at"]
    dossier.papers_arrive(march(12, 16))
    assert dossier.differing() == []


def test_who_was_refused_before_his_limit_by_the_days_in_force_is_found() -> None:
    dossier, day_off = waited_for()
    dossier.act(Act("refuse_after_limit"), CLERK, march(11) + SECOND)
    assert dossier.differing() == []
    assert [each.what for each in dossier.differing(calendar_followed=day_off.version)] == ["pause 1 limit_at"]
    dossier.since = (*dossier.since[:1], Applied(day_off, march(12)))
    assert dossier.differing(calendar_followed=day_off.version) == [], "published once all was over"


@pytest.mark.parametrize("published", [march(4, 9), march(11) + SECOND])
def test_a_calendar_published_before_the_request_or_after_the_limit_gives_nothing(published: datetime) -> None:
    dossier, day_off = waited_for(published)
    assert dossier.differing(calendar_followed=day_off.version) == []


def test_weakness_1_a_finish_that_was_set_back_to_the_due_moment_is_found() -> None:
    """The systems in use set the completion date back to the due date: late becomes on time."""
    dossier = Dossier.of()
    for _, _, decision in walk(dossier.case, march(20, 9)):
        dossier.keep(decision)
    assert dossier.case.finished_at is not None
    assert dossier.case.finished_at > dossier.case.promised_due
    (found,) = dossier.differing(finished_at=dossier.case.promised_due)
    assert found.what == "finished_at"
