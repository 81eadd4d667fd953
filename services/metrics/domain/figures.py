"""What is counted, and how one dossier's facts become counts (C11, C15).

A dossier *accounts for* a set of tallies that follows from its moments alone. A fact changes the moments, and what is
added to the counters is the difference of the two sets: so no order of facts can count anything twice or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from shared.contracts import facts
from shared.rulebook.calendar import ZONE
from shared.rulebook.figures import Figure, resolved_as


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


@dataclass(frozen=True, slots=True)
class Dossier:
    """The moments of one dossier by which it is judged; each is empty until its fact is here."""

    code: str
    place: str = ""
    received_path: str = ""
    field: str = ""
    accepted_at: datetime | None = None
    promised_due: datetime | None = None
    finished_at: datetime | None = None
    apologised_at: datetime | None = None


def legal_day(moment: datetime) -> date:
    """Give the date of a moment where the law counts it."""
    return moment.astimezone(ZONE).date()


def tallies(dossier: Dossier) -> frozenset[Tally]:
    """List what a dossier accounts for; nothing before it is accepted (C15)."""
    if dossier.accepted_at is None or dossier.promised_due is None:
        return frozenset()
    counted = {Figure.RECEIVED: dossier.accepted_at}
    if dossier.finished_at is not None:
        counted[resolved_as(dossier.promised_due, dossier.finished_at)] = dossier.finished_at
    if dossier.apologised_at is not None:
        counted[Figure.APOLOGIES_PUBLISHED] = dossier.apologised_at
    return frozenset(
        Tally(legal_day(moment), dossier.place, dossier.field, figure) for figure, moment in counted.items()
    )


def difference(before: Dossier, after: Dossier) -> Counter[Tally]:
    """Give what a change of a dossier adds to the counters (negative where a tally was withdrawn)."""
    gone, come = tallies(before), tallies(after)
    added = Counter(dict.fromkeys(come - gone, 1))
    added.subtract(gone - come)
    return added


def accept(dossier: Dossier, fact: facts.DossierAccepted, at: datetime) -> Dossier:
    """Hồ sơ được tiếp nhận: it is received at its place, under its first promised due moment."""
    if dossier.accepted_at is not None:
        raise ImpossibleFact("accepted twice")
    return replace(
        dossier,
        place=fact.received_by,
        received_path=fact.received_path,
        field=fact.field,
        accepted_at=at,
        promised_due=fact.promised_due,
    )


def finish(dossier: Dossier, _: facts.ResultReady, at: datetime) -> Dossier:
    """Đã xử lý xong: the moment by which lateness is judged (C11)."""
    if dossier.finished_at is not None:
        raise ImpossibleFact("finished twice")
    return replace(dossier, finished_at=at)


def apologise(dossier: Dossier, _: facts.DossierApologised, at: datetime) -> Dossier:
    """Xin lỗi và hẹn lại: published once; it moves no judgement (C12)."""
    if dossier.apologised_at is not None:
        raise ImpossibleFact("apologised twice")
    return replace(dossier, apologised_at=at)


CHANGES: Mapping[type[facts.Fact], Callable[..., Dossier]] = {
    facts.DossierAccepted: accept,
    facts.ResultReady: finish,
    facts.DossierApologised: apologise,
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
