"""The applicant's own limit after a dispatch: the later of what he was told and of what the new days give (C13).

Five working days from Monday 9 March 2020, 10:00: 10, 11, 12, 13, 16. With Friday 13 off: 10, 11, 12, 16, 17.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from deploy.rule_changes.calendar_plan import Plan, plan_data
from deploy.rule_changes.calendar_text import plan_text
from services.processing.domain.acts import Act, Officer
from services.processing.domain.cases import Case
from services.processing.domain.changing import Means
from services.processing.domain.duties import duties
from services.processing.domain.refusals import Refusal
from services.processing.domain.reissuing import Applied, Checked, Fate, alarms_anew, check
from services.processing.domain.statuses import PaymentStatus, payment_status
from services.processing.domain.timers import Timer, TimerKind, fire
from services.processing.domain.workflow import Decision, decide
from shared.contracts.deadlines import LimitReissued, OwnLimit
from shared.contracts.facts import SupplementLimitReached
from shared.rulebook.calendar import Calendar
from shared.rulebook.catalogue import Case as Kind
from shared.rulebook.rule_files.dispatch import Ground, with_dispatch
from tests.unit.processing.office import CODE, MONDAY, TOWNSHIP, rules
from tests.unit.processing.test_pausing import (
    CLERK,
    PAPERS,
    TAXED,
    VERIFIED,
    acted,
    arrive,
    march,
    taxed,
    waiting,
)
from tests.unit.rulebook.dispatches import SWAP, lines

SECOND = timedelta(seconds=1)
ASKED, PUBLISHED, TOLD, ANEW = march(9, 10), march(11, 9), march(16), march(17)
FRIDAY_OFF = "swap_off,2020-03-13,,,,,,Nghỉ hoán đổi,Day off by swap,1001/UBND-KGVX"
EVERY = frozenset(TimerKind)


def calendar(number: int, *said: str, over: Calendar | None = None) -> Calendar:
    ground = Ground(over or rules().calendar, rules().agencies, MONDAY.date())
    return Calendar(f"calendar-{number}", with_dispatch(lines(*said), ground))


DAY_OFF = calendar(2, FRIDAY_OFF)
SWAPPED = Calendar("calendar-2", with_dispatch(SWAP, Ground(rules().calendar, rules().agencies, MONDAY.date())))


def asked(at: datetime = ASKED) -> Case:
    return waiting(at=at)


def followed(case: Case, days: Calendar = DAY_OFF, at: datetime = PUBLISHED, kind: Kind = VERIFIED) -> Checked:
    return check(case, kind, Applied(days, at), EVERY)


def tried(case: Case, action: str, now: datetime, days: Calendar = DAY_OFF, officer: Officer = CLERK) -> Decision:
    means = Means(days, rules().agencies, rules().catalogue)
    return decide(case, Act(action), officer, now, seen_version=case.version, means=means)


def refused(case: Case, action: str, now: datetime, officer: Officer = CLERK) -> str:
    with pytest.raises(Refusal) as caught:
        tried(case, action, now, officer=officer)
    return caught.value.code


def demanded() -> tuple[Case, Officer]:
    """Fifteen working days from Tuesday 3 March: until the 24th, without the 13th until the 25th."""
    case = taxed()
    taxman = Officer("taxman", "specialist", next(case.open_steps()).agency)
    return acted(case, Act("demand_payment", amount_vnd=5), taxman, march(3, 8)).after, taxman


def test_a_day_off_moves_the_limit_to_bring_papers_and_nobody_is_refused_a_working_day_too_early() -> None:
    before = asked()
    assert before.halts[0].limit_at == TOLD
    found = followed(before)
    (halt,) = found.after.halts
    assert (found.fate, halt.limit_at, halt.first_limit_at, halt.limit_calendar) == (
        Fate.PAUSED,
        ANEW,
        TOLD,
        "calendar-2",
    )
    assert (found.after.promised_due, found.after.version) == (before.promised_due, before.version)
    for now in (TOLD + SECOND, TOLD + timedelta(minutes=1), ANEW):
        assert refused(found.after, "refuse_after_limit", now) == "supplement_limit_passed"
    assert tried(found.after, "refuse_after_limit", ANEW + SECOND).after.state == 3


def test_one_fact_says_from_when_to_when_and_its_timer_is_set_anew() -> None:
    found = followed(asked())
    (drafted,) = found.facts
    assert drafted.legal_time == PUBLISHED
    assert drafted.fact == LimitReissued(
        catalogue_version=found.before.catalogue_version,
        calendar_version="calendar-2",
        state=5,
        limit=OwnLimit.SUPPLEMENT,
        since=ASKED,
        limit_at=ANEW,
        previous_limit_at=TOLD,
    )
    assert alarms_anew(found, VERIFIED, DAY_OFF) == (
        (TimerKind.SUPPLEMENT_LIMIT,),
        (Timer(TimerKind.SUPPLEMENT_LIMIT, ANEW),),
    )


def test_a_payment_likewise() -> None:
    before, _ = demanded()
    assert before.halts[0].limit_at == march(24)
    found = followed(before, kind=TAXED)
    (drafted,) = found.facts
    assert isinstance(drafted.fact, LimitReissued)
    assert (drafted.fact.limit, drafted.fact.limit_at, drafted.fact.state) == ("payment", march(25), 6)
    assert alarms_anew(found, TAXED, DAY_OFF).set == (Timer(TimerKind.PAYMENT_LIMIT, march(25)),)
    leader = Officer("head", "leader", before.competent_agency)
    assert refused(found.after, "stop_unpaid", march(25), leader) == "payment_limit_passed"
    assert tried(found.after, "stop_unpaid", march(25) + SECOND, officer=leader).after.state == 8


@pytest.mark.parametrize(
    ("at", "days", "published"),
    [
        (march(16, 10), SWAPPED, march(17, 9)),  # 17, 18, 19, 20, 21 by the new days: he was told the 23rd
        (march(4, 10), DAY_OFF, march(5, 9)),  # 5, 6, 9, 10, 11: the 13th comes after it
        (ASKED, DAY_OFF, TOLD + SECOND),  # it had passed when the dispatch took effect
    ],
)
def test_what_he_was_told_is_kept(at: datetime, days: Calendar, published: datetime) -> None:
    before = asked(at)
    found = followed(before, days, published)
    assert (found.facts, found.limit, found.after.halts) == ((), None, before.halts)
    assert alarms_anew(found, VERIFIED, days) == ((), ())


def test_exactly_at_the_limit_it_has_not_passed() -> None:
    assert followed(asked(), at=TOLD).after.halts[0].limit_at == ANEW


def test_a_dispatch_that_is_taken_back_takes_nothing_from_him_and_the_next_counts_from_the_request() -> None:
    moved = followed(asked()).after
    usual = calendar(3, "usual,2020-03-13,,,,,,,,2/UBND", over=DAY_OFF)
    back = followed(moved, usual, march(12, 9))
    assert (back.facts, back.after.halts) == ((), moved.halts)
    # The 13th is worked again, the 17th is off: 10, 11, 12, 13, 16, as he was told first. He was told the 17th since.
    again = calendar(4, "swap_off,2020-03-17,,,,,,Nghỉ,Day off,3/UBND", over=usual)
    assert followed(back.after, again, march(12, 10)).after.halts == moved.halts
    # And without the 16th: 10, 11, 12, 13, 18.
    third = calendar(5, "swap_off,2020-03-16,,,,,,Nghỉ,Day off,3/UBND", over=again)
    found = followed(back.after, third, march(12, 11))
    (drafted,) = found.facts
    assert isinstance(drafted.fact, LimitReissued)
    assert (drafted.fact.previous_limit_at, drafted.fact.limit_at) == (ANEW, march(18))
    assert found.after.halts[0].first_limit_at == TOLD


def test_papers_that_came_in_time_leave_no_limit_and_late_ones_may_be_in_time_by_the_new_days() -> None:
    in_time = arrive(asked(), march(11, 8))
    assert followed(in_time).limit is None
    # They came on the 17th and were heard of before the dispatch of the 11th was: the clock runs, the limit moves too.
    late = arrive(asked(), march(17, 10))
    assert tried(late, "refuse_after_limit", march(17, 11)).after.state == 3
    found = followed(late)
    assert refused(found.after, "refuse_after_limit", ANEW + SECOND) == "not_everything_arrived_in_time"
    assert alarms_anew(found, VERIFIED, DAY_OFF).set[-1:] != (Timer(TimerKind.SUPPLEMENT_LIMIT, ANEW),)
    assert TimerKind.SUPPLEMENT_LIMIT in alarms_anew(found, VERIFIED, DAY_OFF).dropped


def test_a_timer_that_fired_before_the_dispatch_got_here_takes_nothing_from_him() -> None:
    """The dispatch of the 11th comes here only after the 16th; nobody has refused yet."""
    timer = Timer(TimerKind.SUPPLEMENT_LIMIT, TOLD)
    fired = fire(asked(), [timer], TOLD + SECOND).after
    assert [duty.action for duty in duties(fired)] == ["refuse_after_limit"]
    found = followed(fired)
    assert (found.after.halts[0].limit_reached, duties(found.after)) == (False, ())
    again = fire(found.after, alarms_anew(found, VERIFIED, DAY_OFF).set, ANEW + SECOND)
    (told,) = again.facts
    assert isinstance(told.fact, SupplementLimitReached)
    assert told.legal_time == ANEW


def test_a_payment_whose_limit_was_told_as_passed_is_demanded_again() -> None:
    case, _ = demanded()
    fired = fire(case, [Timer(TimerKind.PAYMENT_LIMIT, march(24))], march(24) + SECOND).after
    assert payment_status(fired) is PaymentStatus.UNPAID
    found = followed(fired, kind=TAXED)
    assert payment_status(found.after) is PaymentStatus.DEMANDED
    assert [duty.action for duty in duties(found.after)] == ["record_payment"]


def test_a_refused_dossier_stays_refused() -> None:
    closed = acted(asked(), Act("refuse_after_limit"), CLERK, TOLD + SECOND).after
    found = followed(closed)
    assert (found.fate, found.facts, found.after.halts) == (Fate.OVER, (), closed.halts)


def test_asked_later_than_the_publication_it_is_told_no_earlier_than_it_was_asked() -> None:
    """A process that lacked the version still asked by the old days."""
    (drafted,) = followed(asked(), at=march(9, 9)).facts
    assert drafted.legal_time == ASKED


def test_where_the_promise_is_late_the_limit_moves_all_the_same() -> None:
    """Both limits had passed when papers were asked for: the clock never stood."""
    case = asked(march(9, 17, 1))
    assert case.promised_paused_since is case.statutory_paused_since is None
    found = followed(case)
    assert (found.fate, [each.fact.TYPE for each in found.facts]) == (Fate.LATE, [LimitReissued.TYPE])
    assert found.after.halts[0].limit_at == ANEW


def test_a_second_request_has_a_limit_of_its_own() -> None:
    first = followed(asked()).after
    back = acted(arrive(first, march(12, 9)), Act("receive_supplement"), CLERK, march(12, 10)).after
    anna, chief = (Officer("anna", role, CLERK.agency) for role in ("specialist", "leader"))
    proposed = acted(back, Act("propose_supplement", papers=PAPERS), anna, march(12, 11)).after
    twice = acted(proposed, Act("approve_supplement"), chief, march(12, 11)).after
    # By the calendar of these tests' acts, which knows no dispatch: 13, 16, 17, 18, 19. Without the 13th: the 20th.
    found = followed(twice, at=march(12, 12))
    assert [halt.limit_at for halt in found.after.halts] == [ANEW, march(20)]
    assert all(one.no < other.no for one, other in pairwise(found.after.halts))


def test_a_limit_beyond_the_calendars_years_is_kept_and_said() -> None:
    case = asked()
    (halt,) = case.halts
    far = replace(halt, begins_at=halt.begins_at.replace(year=2027, month=12, day=29), limit_at=march(16).replace(2027))
    found = followed(replace(case, halts=(far,)))
    assert (found.fate, found.facts) == (Fate.UNRECKONED, ())


def test_a_plan_foretells_from_when_to_when_and_whether_he_was_told() -> None:
    checked = (followed(asked()), followed(asked(march(4, 10))))
    plan = Plan("calendar-1", "calendar-2", PUBLISHED, checked, told_limits=frozenset({CODE}))
    assert plan.foretold == {CODE}
    data = plan_data(plan)
    assert (data["moved"], data["paused"]) == ([], [CODE, CODE])
    assert data["limits_moved"] == [
        {
            "code": CODE,
            "received_by": TOWNSHIP,
            "procedure_code": "1.000894",
            "case_code": "verified",
            "limit": "supplement",
            "told": True,
            "limit_at": {"from": TOLD.isoformat(), "to": ANEW.isoformat()},
        }
    ]
    _, header, line, *counted = plan_text(plan)
    assert header.split("  ")[0] == "Hồ sơ / Dossier"
    said = f"{CODE} 16/03/2020 17:00 → 17/03/2020 17:00 bổ sung giấy tờ / bring papers có / yes"
    assert " ".join(line.split()) == said
    assert counted[-1].strip() == "1 hạn của người nộp đổi, 1 người đã được báo / applicants' limits move, 1 were told"
