"""Why a dossier is due when it is, by both limits side by side (C9), laid out from its acceptance and pauses alone.

An explanation is shown where its lines add up to the due moment in force, else not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from services.processing.domain.cases import Case
from services.processing.domain.clock import reckoning_of
from services.processing.domain.halts import Halt
from shared.rulebook.calendar import Calendar
from shared.rulebook.catalogue import Case as Kind
from shared.rulebook.explanation import Explanation, explain
from shared.rulebook.limits import Limit


class LimitName(StrEnum):
    """The two limits of a dossier: what was promised, by which it is judged, and what the law sets (C9, C11)."""

    PROMISED = "promised"
    STATUTORY = "statutory"


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a limit stands: its due moment, or since when it is paused and has none (C6)."""

    due_at: datetime | None
    paused_since: datetime | None


class ClockDiffers(Exception):
    """What the dossier's facts add up to is not what is stored: neither is shown as if it were right."""

    def __init__(self, code: str, limit: LimitName, stored: Stand, reckoned: Stand) -> None:
        super().__init__(f"{code}: {limit} limit stored {stored}, reckoned {reckoned}")
        self.code = code
        self.limit = limit
        self.stored = stored
        self.reckoned = reckoned


@dataclass(frozen=True, slots=True)
class Explained:
    """One limit laid out, the calendar version by which it is reckoned, and whether it is one for online filings.

    `calendar_followed` is the version that the dossier follows now: where it is another, the date was kept (ADR 61).
    """

    calendar_version: str
    calendar_followed: str
    explanation: Explanation
    online: bool


@dataclass(frozen=True, slots=True)
class Deadline:
    """Both limits of a dossier; its pauses stand in the order by which both number them."""

    promised: Explained
    statutory: Explained
    halts: tuple[Halt, ...]


def deadline_of(case: Case, kind: Kind, calendars: Sequence[Calendar]) -> Deadline:
    """Lay both limits out by the calendar that their due moment was issued by, of those that the dossier went by.

    Raises ClockDiffers, and CalendarYearMissing.
    """
    promised = _explained(case, kind, LimitName.PROMISED, calendars)
    statutory = _explained(case, kind, LimitName.STATUTORY, calendars)
    return Deadline(promised, statutory, tuple(sorted(case.halts, key=lambda halt: halt.begins_at)))


def stored_stand(case: Case, name: LimitName) -> Stand:
    """Where a limit stands by what is stored."""
    if name is LimitName.PROMISED:
        due_at, since = case.promised_due, case.promised_paused_since
    else:
        due_at, since = case.statutory_due, case.statutory_paused_since
    return Stand(due_at if since is None else None, since)


def limit_of(kind: Kind, name: LimitName) -> Limit:
    """Find a limit of a case of the catalogue."""
    return kind.promised_limit if name is LimitName.PROMISED else kind.statutory_limit


def _online_amount(kind: Kind, name: LimitName) -> int | None:
    return kind.promised_online if name is LimitName.PROMISED else kind.statutory_online


def _explained(case: Case, kind: Kind, name: LimitName, calendars: Sequence[Calendar]) -> Explained:
    stored = stored_stand(case, name)
    issued_by = case.calendar_version if name is LimitName.PROMISED else case.statutory_version
    issued_first = sorted(calendars, key=lambda each: each.version != issued_by)
    laid_out = list(_laid_out(case, kind, name, issued_first))
    for each in laid_out:
        if _adds_up_to(each.explanation) == stored:
            return each
    raise ClockDiffers(case.code, name, stored, _adds_up_to(laid_out[0].explanation))


def _laid_out(case: Case, kind: Kind, name: LimitName, calendars: Sequence[Calendar]) -> Iterator[Explained]:
    online = case.filed_online and _online_amount(kind, name) is not None
    for calendar in calendars:
        reckoning = reckoning_of(case, limit_of(kind, name), kind, calendar)
        if name is LimitName.STATUTORY:  # warnings are of the promised limit (C12)
            reckoning = replace(reckoning, half_time_at=None, apology_draft_at=None)
        yield Explained(calendar.version, case.calendar_followed, explain(calendar, reckoning), online)


def _adds_up_to(explanation: Explanation) -> Stand:
    """What the lines themselves add up to; that they say it of a pause is the reckoning's."""
    since = explanation.reckoning.paused_since
    return Stand(explanation.reaches if since is None else None, since)
