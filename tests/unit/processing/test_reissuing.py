"""A calendar version moves what it must, keeps what it can, and never makes anything late punctual (C9, C11, C12)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.processing.domain.cases import Case
from services.processing.domain.clock import restated
from services.processing.domain.halts import Halt
from services.processing.domain.reissuing import Applied, Checked, Fate, check, timers_anew
from services.processing.domain.timers import TimerKind
from shared.contracts.deadlines import DeadlineReissued
from shared.contracts.facts import State
from shared.rulebook.calendar import ZONE, Calendar
from shared.rulebook.catalogue import Case as Kind
from shared.rulebook.catalogue import SupplementPolicy
from shared.rulebook.limits import due
from shared.rulebook.pauses import PauseKind
from shared.rulebook.rule_files.dispatch import Ground, with_dispatch
from tests.unit.processing.office import MONDAY, kind_of, opened, rules
from tests.unit.rulebook.dispatches import SWAP, lines

SWAPPED = Calendar("calendar-2", with_dispatch(SWAP, Ground(rules().calendar, rules().agencies, MONDAY.date())))
EVERY = frozenset(TimerKind)


def march(day: int, hour: int = 17, minute: int = 0) -> datetime:
    return datetime(2020, 3, day, hour, minute, tzinfo=ZONE)


def kind_with(promised: int, statutory: int) -> Kind:
    limits = {"promised": promised, "statutory": statutory, "supplement_policy": SupplementPolicy.RESUME}
    return kind_of("1.012784").model_copy(update=limits)


def accepted(kind: Kind, at: datetime) -> Case:
    case = opened(kind_of("1.012784"), at).case
    calendar = rules().calendar
    return replace(
        case,
        promised_due=due(calendar, kind.promised_limit, at),
        statutory_due=due(calendar, kind.statutory_limit, at),
    )


def checked(
    at: datetime,
    promised: int = 5,
    statutory: int = 5,
    *,
    published: datetime = MONDAY,
    halts: Sequence[Halt] = (),
    unfired: Collection[TimerKind] = EVERY,
    **changes: object,
) -> Checked:
    kind = kind_with(promised, statutory)
    case = replace(accepted(kind, at), halts=tuple(halts), **changes)  # type: ignore[arg-type]
    return check(case, kind, Applied(SWAPPED, published), unfired)


@pytest.mark.parametrize(
    ("at", "days", "before", "fate", "after"),
    [
        (march(9, 9), 5, march(16), Fate.MOVED, march(17)),  # 10, 11, 12, 16, 17
        (march(6, 9), 5, march(13), Fate.MOVED, march(16)),  # due on the day that is off now
        (march(2, 9), 5, march(9), Fate.UNTOUCHED, march(9)),
        (march(9, 9), 10, march(23), Fate.UNTOUCHED, march(23)),  # a day less, a day more
        (march(16, 9), 5, march(23), Fate.KEPT, march(23)),  # Saturday 21 would do: he was told the 23rd
    ],
)
def test_dates_by_hand(at: datetime, days: int, before: datetime, fate: Fate, after: datetime) -> None:
    found = checked(at, days, days)
    assert found.before.promised_due == found.before.statutory_due == before
    assert (found.fate, found.after.promised_due, found.after.statutory_due) == (fate, after, after)


def test_what_moved_is_said_by_one_fact_with_the_legal_time_of_the_publication() -> None:
    found = checked(MONDAY, 9, 20, published=march(4, 10))
    (drafted,) = found.facts
    assert drafted.legal_time == march(4, 10)
    assert drafted.fact == DeadlineReissued(
        catalogue_version=found.before.catalogue_version,
        calendar_version="calendar-2",
        state=State.ACCEPTED,
        statutory_due=march(30),
        promised_due=march(16),
        previous_statutory_due=march(30),
        previous_promised_due=march(13),
        previous_calendar_version=found.before.calendar_version,
    )
    assert found.after.calendar_version == found.after.calendar_followed == "calendar-2"
    assert found.after.version == found.before.version


def test_what_is_kept_or_untouched_has_no_fact_and_keeps_the_calendar_that_it_was_reckoned_by() -> None:
    for found in (checked(march(16, 9)), checked(MONDAY)):
        assert (found.facts, timers_anew(found, kind_with(5, 5), SWAPPED)) == ((), ())
        assert found.after == replace(found.before, calendar_followed="calendar-2")


def test_only_the_statutory_limit_may_move() -> None:
    found = checked(MONDAY, 5, 9)
    assert (found.fate, found.promise_moved) == (Fate.MOVED, False)
    assert timers_anew(found, kind_with(5, 9), SWAPPED) == ()
    assert (found.after.promised_due, found.after.statutory_due) == (march(9), march(16))


def test_each_limit_goes_its_own_way() -> None:
    """Accepted on the 12th, 6 days by promise, 1 by law: neither limit follows the other (C9)."""
    found = checked(march(12, 9), 6, 1)
    assert found.before.promised_due == march(20)
    assert found.before.statutory_due == march(13)
    assert (found.after.promised_due, found.after.statutory_due) == (march(21), march(16))
    other = checked(march(16, 9), 5, 30)
    assert (other.fate, other.after.promised_due) == (Fate.KEPT, march(23))


def test_late_stays_late() -> None:
    late = checked(MONDAY, 9, 9, published=march(13, 17) + timedelta(seconds=1))
    assert (late.fate, late.facts) == (Fate.LATE, ())
    assert late.after.promised_due == march(13)
    exactly = checked(MONDAY, 9, 9, published=march(13, 17))
    assert exactly.fate is Fate.MOVED
    told = checked(MONDAY, 9, 9, published=march(12), unfired=EVERY - {TimerKind.BECOME_OVERDUE})
    assert (told.fate, told.after.promised_due) == (
        Fate.MOVED,
        march(13),
    )  # only the law's own limit, which had not passed
    assert told.after.statutory_due == march(16)


def test_while_it_is_paused_there_is_nothing_to_move_and_an_ended_pause_counts() -> None:
    asked = march(4, 10)
    halt = Halt(1, PauseKind.SUPPLEMENT, asked, State.PROCESSING, "H56.97.04", "anna", "basis")
    still = checked(MONDAY, halts=[halt])
    assert (still.fate, still.facts, still.after.calendar_followed) == (Fate.PAUSED, (), "calendar-2")
    # Vector 18: 5 days, paused from Wednesday 4 to Wednesday 11: due on the 16th; without the 13th on the 17th.
    ended = replace(halt, ends_at=march(11, 14, 30))
    over = checked(MONDAY, halts=[ended], promised_due=march(16), statutory_due=march(16))
    assert (over.fate, over.after.promised_due) == (Fate.MOVED, march(17))


@pytest.mark.parametrize("state", [State.REFUSED, State.WITHDRAWN, State.STOPPED, State.READY, State.HANDED_OVER])
def test_what_is_over_has_no_due_moment_to_move(state: State) -> None:
    found = checked(march(9, 9), state=state)
    assert (found.fate, found.facts, found.after.calendar_followed) == (Fate.OVER, (), "calendar-2")


def test_warnings_are_set_anew_unless_fired_or_sent() -> None:
    def kinds(found: Checked) -> dict[TimerKind, datetime]:
        return {timer.kind: timer.due_at for timer in timers_anew(found, kind_with(5, 5), SWAPPED)}

    fresh = kinds(checked(march(9, 9)))
    assert fresh[TimerKind.BECOME_OVERDUE] == march(17)
    assert fresh[TimerKind.DRAFT_APOLOGY] == march(16)
    # From the 9th at 09:00: 6 + 8 × 5 working hours (10, 11, 12, 16, 17), half of them 23: 6 + 8 + 8 + 1.
    assert fresh[TimerKind.HALF_TIME] == march(12, 8)
    half_fired = checked(march(9, 9), unfired=EVERY - {TimerKind.HALF_TIME}, half_time_at=march(12))
    assert TimerKind.HALF_TIME not in kinds(half_fired)
    drafted = checked(march(9, 9), unfired=EVERY - {TimerKind.DRAFT_APOLOGY}, draft_opened_at=march(13))
    assert drafted.after.draft_opened_at is None
    assert kinds(drafted)[TimerKind.DRAFT_APOLOGY] == march(16)
    sent = checked(
        march(9, 9), draft_opened_at=march(13), apologised_at=march(13), reappointed_to=march(20), unfired=EVERY
    )
    assert sent.after.draft_opened_at == march(13)
    assert TimerKind.DRAFT_APOLOGY not in kinds(sent)
    assert sent.after.reappointed_to == march(20)


def test_a_date_beyond_the_calendars_years_is_kept() -> None:
    kind = kind_with(5, 5)
    case = replace(accepted(kind, march(9, 9)), accepted_at=datetime(2027, 12, 29, 9, tzinfo=ZONE))
    found = check(case, kind, Applied(SWAPPED, MONDAY), EVERY)
    assert (found.fate, found.facts) == (Fate.UNRECKONED, ())


def test_no_pause_makes_a_date_earlier_that_was_kept() -> None:
    """Kept at Monday 23 March, which the calendar would set to Saturday 21: a pause of a minute changes neither."""
    kept = checked(march(16, 9)).after
    halt = Halt(1, PauseKind.SUPPLEMENT, march(18, 10), State.PROCESSING, "H56.97.04", "anna", "basis")
    minute = replace(kept, halts=(replace(halt, ends_at=march(18, 10, 1)),))
    after = restated(minute, kind_with(5, 5), SWAPPED, rules().calendar)
    assert (after.promised_due, after.calendar_version) == (march(23), kept.calendar_version)
    # Over the close of the 18th: by the old calendar a day later than the 23rd, by the new one than the 21st.
    day = replace(kept, halts=(replace(halt, ends_at=march(19, 10)),))
    assert restated(day, kind_with(5, 5), SWAPPED, rules().calendar).promised_due == march(24)
    # Over the 13th, which is worked by the old calendar alone, the new one leaves the later date.
    early = replace(
        accepted(kind_with(5, 5), march(9, 9)), halts=(replace(halt, begins_at=march(10, 9), ends_at=march(11, 9)),)
    )
    over = restated(early, kind_with(5, 5), SWAPPED, rules().calendar)
    assert (over.promised_due, over.calendar_version) == (march(18), "calendar-2")


def test_a_kept_date_is_paused_although_the_calendar_that_is_followed_would_have_it_passed() -> None:
    """Kept at Monday 23 March; paused on that Monday, two days after the Saturday that it would be by the new days."""
    kept = checked(march(16, 9)).after
    halt = Halt(1, PauseKind.SUPPLEMENT, march(23, 9), State.PROCESSING, "H56.97.04", "anna", "basis")
    open_ = restated(replace(kept, halts=(halt,)), kind_with(5, 5), SWAPPED, rules().calendar)
    assert (open_.promised_paused_since, open_.statutory_paused_since) == (march(23, 9), march(23, 9))
    assert (open_.promised_due, open_.statutory_due) == (march(23), march(23))
    over = replace(open_, halts=(replace(halt, ends_at=march(24, 9)),))
    after = restated(over, kind_with(5, 5), SWAPPED, rules().calendar)
    assert (after.promised_due, after.promised_paused_since) == (march(24), None)


def test_one_limit_that_is_issued_anew_takes_nothing_from_the_other_that_is_kept() -> None:
    """Five days by promise, twelve by law: a Saturday more sets the first earlier, two days less the second later.

    From Monday 16 March by the old days: 17, 18, 19, 20, 23; and twelve until 1 April. By the new ones: 17 to 21; and
    23 to 27 make ten, then 1 and 3 April, for the 2nd is a holiday.
    """
    dispatch = lines(
        "worked_saturday,2020-03-21,,,,,,Làm bù,Worked Saturday,2/UBND",
        "swap_off,2020-03-30,2020-03-31,,,,,Nghỉ,Days off,2/UBND",
    )
    old = rules().calendar
    new = Calendar("calendar-2", with_dispatch(dispatch, Ground(old, rules().agencies, MONDAY.date())))
    kind = kind_with(5, 12)
    found = check(accepted(kind, march(16, 9)), kind, Applied(new, MONDAY), EVERY)
    april = datetime(2020, 4, 3, 17, tzinfo=ZONE)
    assert (found.fate, found.after.promised_due, found.after.statutory_due) == (Fate.MOVED, march(23), april)
    assert (found.after.calendar_version, found.after.statutory_version) == (old.version, new.version)
    (drafted,) = found.facts
    assert drafted.fact.calendar_version == new.version
    halt = Halt(1, PauseKind.SUPPLEMENT, march(18, 10), State.PROCESSING, "H56.97.04", "anna", "basis")
    minute = replace(found.after, halts=(replace(halt, ends_at=march(18, 10, 1)),))
    after = restated(minute, kind, new, old, new)
    assert (after.promised_due, after.statutory_due) == (march(23), april)
    assert (after.calendar_version, after.statutory_version) == (old.version, new.version)
