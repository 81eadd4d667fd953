"""A dossier that was filed online has the limits that its catalogue version names for that, in all that is reckoned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from services.intake.domain.acceptance import Acceptance, acceptance_of
from services.intake.domain.attempts import Rules as RulesOfIntake
from services.intake.handlers.accepting import accepted_fact
from services.processing.api.deadline_text import WORDS, deadline_text
from services.processing.api.deadline_views import deadline_view
from services.processing.domain.cases import Case
from services.processing.domain.changing import Means
from services.processing.domain.clock import papers_arrived, restated
from services.processing.domain.deadlines import deadline_of
from services.processing.domain.duties import duties
from services.processing.domain.opening import Opened, Rules, open_case
from services.processing.domain.refolding import Heard, History, differences
from services.processing.domain.reissuing import Applied, Fate, check
from services.processing.domain.step_times import step_times
from services.processing.domain.timers import TimerKind, alarms_of
from services.processing.domain.workflow import Decision, decide
from shared.contracts.facts import DossierAccepted, Filer, Language, PapersReceived
from shared.rulebook.catalogue import Catalogue
from shared.rulebook.rule_files.catalogue_changes import Base, with_changes
from tests.unit.processing.office import AREA, CODE, MONDAY, TOWNSHIP, act_for, officer_for, rules
from tests.unit.processing.test_pausing import ASK, CLERK, PAPERS, march
from tests.unit.processing.test_reissuing import SWAPPED

HEADER = "procedure_code,case_code,field,value"
PROMISED = "1.000894,verified,promised_online,1"
BOTH = ("1.000894,verified,statutory_online,4", PROMISED)
"""Five working days by law and two promised at the desk; of what is filed online four and one."""
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def changed(*lines: str) -> Rules:
    """The rules with made-up limits for online filings."""
    seed = rules()
    content = with_changes("\n".join((HEADER, *lines, "")), Base(seed.catalogue, MONDAY.date()))
    return replace(seed, catalogue=Catalogue("catalogue-2-bbbbbbbbbbbb", content.cases, content.effective_from))


def accepted(found: Rules, at: datetime = MONDAY, *, online: bool = True) -> DossierAccepted:
    """What intake tells of its acceptance."""
    kind = found.catalogue.case("1.000894", "verified", filed_online=online)
    of_intake = RulesOfIntake(found.catalogue, found.calendar, found.agencies)
    acceptance: Acceptance = replace(acceptance_of(kind, TOWNSHIP, AREA, of_intake, at), filed_online=online)
    fact = accepted_fact(CODE, acceptance, "ab" * 32, TRACE).fact
    assert isinstance(fact, DossierAccepted)
    return fact


def opened(found: Rules, at: datetime = MONDAY, *, online: bool = True) -> Opened:
    return open_case(CODE, accepted(found, at, online=online), at, found)


def dues(case: Case) -> tuple[datetime, datetime]:
    return case.promised_due, case.statutory_due


def means(found: Rules) -> Means:
    return Means(found.calendar, found.agencies, found.catalogue, next_number=7)


def asked(case: Case, found: Rules) -> list[Decision]:
    """Assigned on Monday, papers asked for at 10:00."""
    duty = duties(case)[0]
    assigned = decide(case, act_for(duty, case), officer_for(duty), MONDAY, seen_version=1, means=means(found))
    return [assigned, decide(assigned.after, ASK, CLERK, march(2, 10), seen_version=2, means=means(found))]


ARRIVED = march(4, 14, 30)


def arrived(case: Case, found: Rules) -> Case:
    return restated(papers_arrived(case, (), ARRIVED), case.kind(found.catalogue), found.calendar)


def history_of(found: Rules, decisions: Sequence[Decision], arrived_at: datetime, *, online: bool) -> History:
    """What the topics hold of a dossier for which these were decided, and whose papers arrived then."""
    told = tuple(Heard(fact.fact, fact.legal_time) for decision in decisions for fact in decision.facts)
    papers = PapersReceived(
        catalogue_version="",
        calendar_version="",
        received_by=TOWNSHIP,
        by=Filer.CITIZEN,
        officer="",
        papers=PAPERS,
        missing=(),
    )
    return History(CODE, accepted(found, online=online), MONDAY, (Heard(papers, arrived_at),), told)


def test_the_due_moments_and_the_warnings_are_of_the_limits_online() -> None:
    """Tuesday and Friday by hand; of one working day both warnings are at half of 14 hours: Tuesday 8:00."""
    found = changed(*BOTH)
    online, desk = opened(found), opened(found, online=False)
    assert dues(online.case) == (march(3), march(6))
    assert dues(desk.case) == (march(4), march(9))
    assert (online.case.filed_online, desk.case.filed_online) == (True, False)
    moments = {timer.kind: timer.due_at for timer in online.timers}
    assert moments[TimerKind.HALF_TIME] == moments[TimerKind.DRAFT_APOLOGY] == march(3, 8)
    assert moments[TimerKind.BECOME_OVERDUE] == march(3)


def test_a_pause_leaves_the_limits_online_and_sets_their_timers() -> None:
    """Paused at Tuesday's close; Wednesday counts: the promise ends with it, the law's fourth day is Monday the 9th."""
    found = changed(*BOTH)
    before = opened(found).case
    case = arrived(asked(before, found)[-1].after, found)
    assert dues(case) == (march(4), march(9))
    moments = {timer.kind: timer.due_at for timer in alarms_of(before, case, means(found), ARRIVED).set}
    assert moments[TimerKind.BECOME_OVERDUE] == march(4)
    assert moments[TimerKind.DRAFT_APOLOGY] == max(moments[TimerKind.HALF_TIME], ARRIVED)


def test_a_dispatch_issues_the_limits_online_anew() -> None:
    """Accepted on Thursday the 12th; Friday is off now: Monday for the promise, and 16 to 19 March for the law."""
    found = changed(*BOTH)
    case = opened(found, march(12, 9)).case
    checked = check(case, case.kind(found.catalogue), Applied(SWAPPED, march(12, 10)), frozenset(TimerKind))
    assert (dues(case), checked.fate) == ((march(13), march(18)), Fate.MOVED)
    assert dues(checked.after) == (march(16), march(19))


@pytest.mark.parametrize("online", [True, False])
def test_the_facts_add_up_to_the_limits_of_how_it_was_filed_and_to_no_other(online: bool) -> None:
    found = changed(*BOTH)
    decisions = asked(opened(found, online=online).case, found)
    case = arrived(decisions[-1].after, found)
    history = history_of(found, decisions, ARRIVED, online=online)
    assert differences(case, history, found, ()) == ()
    other = replace(case, filed_online=not online)
    other = restated(other, other.kind(found.catalogue), found.calendar)
    assert {each.what for each in differences(other, history, found, ())} == {
        "filed_online",
        "promised_due",
        "statutory_due",
    }


@pytest.mark.parametrize(
    ("lines", "online", "said"),
    [(BOTH, True, (True, True)), ((PROMISED,), True, (True, False)), (BOTH, False, (False, False))],
    ids=["both", "only the promise", "at the desk"],
)
def test_the_explanation_says_of_which_limits_that_they_are_for_online_filings(
    lines: Sequence[str], online: bool, said: tuple[bool, bool]
) -> None:
    found = changed(*lines)
    case = opened(found, online=online).case
    kind = case.kind(found.catalogue)
    deadline = deadline_of(case, kind, (found.calendar,))
    times = step_times(case, kind, found.calendar, MONDAY + timedelta(hours=1))
    view = deadline_view(case, (kind, found.agencies), deadline, times, officers=False)
    assert (view.promised.online, view.statutory.online) == said
    assert (view.promised.due_at, view.statutory.due_at) == dues(case)
    assert view.promised.limit.n == (1 if online else 2)
    for language in Language:
        text = deadline_text(view, deadline, language).splitlines()
        titles = [text.index(WORDS[language][name]) for name in ("promised", "statutory")]
        assert tuple(text[place + 1] == WORDS[language]["online"] for place in titles) == said


def test_an_open_dossier_keeps_the_limits_of_its_version() -> None:
    """Its version knows no other limit online: what a later one says of online filings is not for it."""
    before = opened(rules()).case
    assert before.filed_online
    assert dues(before) == dues(opened(rules(), online=False).case)
    assert before.kind(rules().catalogue).promised == 2
    assert changed(*BOTH).catalogue.effective_from == date(2020, 3, 2)
