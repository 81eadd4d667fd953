"""What is counted, and how one dossier's facts become counts (C11, C15).

A dossier *accounts for* a set of tallies that follows from its moments alone. A fact changes the moments, and what is
added to the counters is the difference of the two sets: so no order of facts can count anything twice or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from shared.contracts import facts
from shared.rulebook.calendar import ZONE
from shared.rulebook.figures import REOPENED, Figure, resolved_as


class NoticeOutcome(StrEnum):
    """What became of a message to a citizen."""

    HANDED_OVER = "handed_over"
    DELIVERED = "delivered"
    UNKNOWN = "unknown"
    FAILED = "failed"


class Tally(NamedTuple):
    """One key of the daily counters; the day is the legal one of the fact."""

    day: date
    place: str
    field: str
    figure: Figure


class NoticeTally(NamedTuple):
    """One key of the daily notice counters."""

    day: date
    place: str
    channel: facts.Channel
    outcome: NoticeOutcome


class ImpossibleFact(ValueError):
    """A fact that cannot follow what is known of its dossier; the dossier is parked with this reason."""


class Reopening(NamedTuple):
    """A finish that was taken back: what it was counted as, when it was, and when it was taken back."""

    figure: Figure
    finished_at: datetime
    reopened_at: datetime


@dataclass(frozen=True, slots=True)
class Dossier:
    """The moments of one dossier by which it is judged; each is empty until its fact is here.

    What was counted on a day stays counted there: a finish that was taken back is one of `reopenings`, in order.
    What counts from before its record is `backdated`, and received on the day of the record: `accepted_at` (C14).
    `promised_due` is the moment in force, empty while the promised limit is `paused`; once it is `restated`, what the
    acceptance said is no longer the last word. `repeated_supplements` are when papers were asked for again.
    """

    code: str
    place: str = ""
    received_path: str = ""
    field: str = ""
    accepted_at: datetime | None = None
    promised_due: datetime | None = None
    finished_at: datetime | None = None
    apologised_at: datetime | None = None
    reopenings: tuple[Reopening, ...] = ()
    restated: bool = False
    paused: bool = False
    closed_at: datetime | None = None
    repeated_supplements: tuple[datetime, ...] = ()
    backdated: bool = False

    @property
    def was_late(self) -> bool:
        """Whether a finish that was taken back was late: late is late, whenever the dossier is finished anew (C11)."""
        return any(reopening.figure is Figure.RESOLVED_LATE for reopening in self.reopenings)


def legal_day(moment: datetime) -> date:
    """Give the date of a moment where the law counts it."""
    return moment.astimezone(ZONE).date()


def tallies(dossier: Dossier) -> Counter[Tally]:
    """Count what a dossier accounts for; nothing before it is accepted (C15)."""
    return Counter(
        Tally(legal_day(moment), dossier.place, dossier.field, figure) for figure, moment in _counted(dossier)
    )


def _counted(dossier: Dossier) -> Iterator[tuple[Figure, datetime]]:
    if dossier.accepted_at is None:
        return
    yield Figure.RECEIVED, dossier.accepted_at
    if dossier.backdated:
        yield Figure.BACKDATED, dossier.accepted_at
    for reopening in dossier.reopenings:
        yield reopening.figure, reopening.finished_at
        yield REOPENED[reopening.figure], reopening.reopened_at
    if dossier.finished_at is not None and dossier.promised_due is not None:
        yield _judged(dossier, dossier.promised_due, dossier.finished_at), dossier.finished_at
    if dossier.closed_at is not None:
        yield Figure.CLOSED_WITHOUT_RESULT, dossier.closed_at
    for asked_at in dossier.repeated_supplements:
        yield Figure.SUPPLEMENTS_REPEATED, asked_at
    if dossier.apologised_at is not None:
        yield Figure.APOLOGIES_PUBLISHED, dossier.apologised_at


def _judged(dossier: Dossier, promised_due: datetime, finished_at: datetime) -> Figure:
    return Figure.RESOLVED_LATE if dossier.was_late else resolved_as(promised_due, finished_at)


def difference(before: Dossier, after: Dossier) -> Counter[Tally]:
    """Give what a change of a dossier adds to the counters (negative where a tally was withdrawn)."""
    added = tallies(after)
    added.subtract(tallies(before))
    return added


def accept(dossier: Dossier, fact: facts.DossierAccepted, at: datetime) -> Dossier:
    """Hồ sơ được tiếp nhận: it is received at its place, under its first promised due moment.

    Processing may have been heard first: then what it said of the due moment stands. A backdated one is counted when it
    was recorded: what was published of the days before it stays true (C14).
    """
    if dossier.accepted_at is not None:
        raise ImpossibleFact("accepted twice")
    return replace(
        dossier,
        place=fact.received_by,
        received_path=fact.received_path,
        field=fact.field,
        accepted_at=at if fact.backdating is None else fact.backdating.recorded_at,
        backdated=fact.backdating is not None,
        promised_due=dossier.promised_due if dossier.restated else fact.promised_due,
    )


def finish(dossier: Dossier, _: facts.ResultReady, at: datetime) -> Dossier:
    """Đã xử lý xong: the moment by which lateness is judged (C11)."""
    if dossier.finished_at is not None:
        raise ImpossibleFact("finished twice")
    if dossier.paused:
        raise ImpossibleFact("finished while its clock stood")
    return replace(dossier, finished_at=at)


def apologise(dossier: Dossier, _: facts.DossierApologised, at: datetime) -> Dossier:
    """Xin lỗi và hẹn lại: published once; it moves no judgement (C12)."""
    if dossier.apologised_at is not None:
        raise ImpossibleFact("apologised twice")
    return replace(dossier, apologised_at=at)


def reopen(dossier: Dossier, fact: facts.ResultReopened, at: datetime) -> Dossier:
    """Mở lại hồ sơ: in progress again; where acceptance has not arrived yet, the fact says what was promised."""
    if dossier.finished_at is None:
        raise ImpossibleFact("reopened unfinished")
    figure = _judged(dossier, dossier.promised_due or fact.promised_due, dossier.finished_at)
    reopening = Reopening(figure, dossier.finished_at, at)
    return replace(dossier, finished_at=None, reopenings=(*dossier.reopenings, reopening))


def pause(dossier: Dossier, fact: facts.PausingFact, _at: datetime) -> Dossier:
    """Tạm dừng tính thời hạn: nothing is due meanwhile, unless it was due already (C6)."""
    return replace(dossier, promised_due=fact.promised_due, paused=fact.promised_due is None, restated=True)


def ask_again(dossier: Dossier, fact: facts.SupplementRequested, at: datetime) -> Dossier:
    """Yêu cầu bổ sung: a pause; each request after the first is counted in public."""
    repeated = (*dossier.repeated_supplements, at) if fact.number > 1 else dossier.repeated_supplements
    return replace(pause(dossier, fact, at), repeated_supplements=repeated)


def go_on(
    dossier: Dossier, fact: facts.ResumingFact | facts.BecameOverdue | facts.DeadlineReissued, _at: datetime
) -> Dossier:
    """Tiếp tục tính thời hạn, hẹn lại do đổi lịch: the due moment is the one that the fact names.

    That it was missed is told even before the desk has confirmed the papers that let the clock go on.
    """
    return replace(dossier, promised_due=fact.promised_due, paused=False, restated=True)


def close(dossier: Dossier, _: facts.OfficersFact, at: datetime) -> Dossier:
    """Rút, dừng hoặc từ chối sau khi đã tiếp nhận: closed without result (C15)."""
    if dossier.closed_at is not None or dossier.finished_at is not None:
        raise ImpossibleFact("closed after its end")
    return replace(dossier, closed_at=at)


CHANGES: Mapping[type[facts.Fact], Callable[..., Dossier]] = {
    facts.DossierAccepted: accept,
    facts.ResultReady: finish,
    facts.DossierApologised: apologise,
    facts.ResultReopened: reopen,
    facts.SupplementRequested: ask_again,
    facts.PaymentDemanded: pause,
    facts.ClockPaused: pause,
    facts.SupplementReceived: go_on,
    facts.PaymentRecorded: go_on,
    facts.ClockResumed: go_on,
    facts.BecameOverdue: go_on,
    facts.DeadlineReissued: go_on,
    facts.RefusedAfterLimit: close,
    facts.DossierWithdrawn: close,
    facts.DossierStopped: close,
}
"""Fact → what it changes in the moments of its dossier."""

NOTICE_OUTCOMES: Mapping[type[facts.Fact], NoticeOutcome] = {
    facts.NoticeHandedOver: NoticeOutcome.HANDED_OVER,
    facts.NoticeDelivered: NoticeOutcome.DELIVERED,
    facts.NoticeUnknown: NoticeOutcome.UNKNOWN,
    facts.NoticeFailed: NoticeOutcome.FAILED,
}
"""Fact → the outcome that it is counted as."""


def change(dossier: Dossier, fact: facts.Fact, at: datetime) -> Dossier:
    """Apply one fact of legal time `at` to the moments of its dossier; raises `ImpossibleFact`."""
    return CHANGES[type(fact)](dossier, fact, at)
