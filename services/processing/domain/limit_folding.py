"""The applicant's own limits held against the calendars that a dossier has followed (C13).

Facts name each limit. One is believed that the rulebook comes to by one of these calendars, and that leaves no less
than the last of them that was published while the applicant was waited for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import takewhile
from typing import NamedTuple

from services.processing.domain.cases import Case
from services.processing.domain.clock import applicants_limit
from services.processing.domain.halts import Halt
from services.processing.domain.reissuing import Applied
from shared.rulebook.calendar import CalendarYearMissing, local
from shared.rulebook.catalogue import Case as Kind


class LimitUnlike(NamedTuple):
    """A pause by its number, the applicant's own limit as it stands there, and the least that it has to be."""

    no: int
    stands: datetime
    least: datetime


def limits_unlike(case: Case, kind: Kind, calendars: Sequence[Applied]) -> Iterator[LimitUnlike]:
    """Say which limits no calendar gives, or are shorter than one leaves them.

    `calendars` stand in their order, the first is that of the acceptance; those that the dossier does not follow yet
    have moved nothing in it.
    """
    newer = takewhile(lambda each: each.calendar.version != case.calendar_followed, reversed(calendars[1:]))
    followed = calendars[: len(calendars) - len(list(newer))]
    for halt in case.halts:
        if halt.limit_at is None or not (given := list(_given(halt, kind, followed))):
            continue
        least = _least(case, halt, halt.first_limit_at or halt.limit_at, given)
        if halt.limit_at < least or halt.limit_at not in [limit for _, limit in given]:
            yield LimitUnlike(halt.no, halt.limit_at, least)


def _given(halt: Halt, kind: Kind, calendars: Sequence[Applied]) -> Iterator[tuple[datetime, datetime]]:
    """When each calendar was published, and the limit that it gives; not those whose years end before."""
    for calendar, at in calendars:
        with suppress(CalendarYearMissing):
            yield at, applicants_limit(kind, calendar, local(halt.begins_at))


def _least(case: Case, halt: Halt, asked_with: datetime, given: Sequence[tuple[datetime, datetime]]) -> datetime:
    """Work out the least that was left to the applicant.

    That is what he was asked with, and what the last version leaves that was published while he was surely waited for:
    those before it may have been passed over. Asked and published at one moment, either may have come first; and of a
    pause that has ended nobody knows whether that was heard of before.
    """
    least = asked_with if asked_with in [each for _, each in given] else given[0][1]
    known = [each for each in given if case.closed_at is None or each[0] < case.closed_at]
    if not known or not halt.is_open or halt.limit_at is None:
        return least
    at, by_it = known[-1]
    return max(least, by_it) if halt.begins_at < at <= halt.limit_at else least
