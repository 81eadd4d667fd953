"""Who stays open at the end of the year and who is missed by the officers: pure.

A dossier may stay open only if its promised limit does not end before the close of the last day (equal is on time,
C11). It may be late only if its apology can go out between the draft and the due moment (C12) and the year has a moment
after the due moment in which it is finished: same-day ones must have come in the morning, so that their draft opens
before the second moment.
"""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from shared.rulebook.calendar import Calendar
from shared.rulebook.limits import Limit, LimitKind, apology_draft, due


class Fate(StrEnum):
    """What the officers of the year make of a dossier."""

    ORDINARY = "ordinary"
    OPEN = "open"
    LATE = "late"


class Impossible(ValueError):
    """More dossiers are asked to be open, late or on a course than limits allow; `largest` is the most possible."""

    def __init__(self, option: str, asked: int | str, largest: int, where: str = "") -> None:
        super().__init__(f"--{option} {asked}: the promised limits of this year allow at most {largest}{where}")
        self.largest = largest


@dataclass(frozen=True)
class Fates:
    """Positions of the arrivals that may stay open, and of those that may be late by kind of limit."""

    may_stay_open: tuple[int, ...]
    may_be_late: dict[LimitKind, tuple[int, ...]]

    @classmethod
    def of(cls, calendar: Calendar, moments: Sequence[datetime], accepted: Sequence[tuple[Limit, datetime]]) -> Self:
        """Judge each arrival by its promised limit, in the order given; `moments` are those at which officers act."""
        may_stay_open: list[int] = []
        may_be_late: dict[LimitKind, list[int]] = {}
        known: dict[tuple[Limit, datetime], tuple[bool, bool]] = {}
        for position, key in enumerate(accepted):
            if key not in known:
                known[key] = _prospects(calendar, moments, *key)
            stays_open, late = known[key]
            if stays_open:
                may_stay_open.append(position)
            if late:
                may_be_late.setdefault(key[0].kind, []).append(position)
        return cls(tuple(may_stay_open), {kind: tuple(found) for kind, found in sorted(may_be_late.items())})


def _prospects(
    calendar: Calendar, moments: Sequence[datetime], limit: Limit, accepted_at: datetime
) -> tuple[bool, bool]:
    due_at = due(calendar, limit, accepted_at)
    draft_at = apology_draft(calendar, limit, accepted_at, due_at)
    next_moment = bisect_right(moments, accepted_at)
    apology = max(bisect_left(moments, draft_at), next_moment)
    can_apologise = apology < len(moments) and moments[apology] < due_at
    can_finish_late = due_at < moments[-1]
    return due_at >= moments[-1], can_apologise and can_finish_late


def choose_fates(fates: Fates, stay_open: int, late: int, shuffle: random.Random) -> dict[int, Fate]:
    """Fate by position of arrival, for those that are not ordinary. Raises `Impossible` naming the largest number."""
    if not 0 <= stay_open <= len(fates.may_stay_open):
        raise Impossible("open", stay_open, len(fates.may_stay_open))
    largest = sum(len(found) for found in fates.may_be_late.values())
    if not 0 <= late <= largest:
        raise Impossible("late", late, largest, ", fewer where others are on courses (--share-closed, --share-detours)")
    chosen = dict.fromkeys(shuffle.sample(fates.may_stay_open, stay_open), Fate.OPEN)
    chosen.update(dict.fromkeys(_spread(fates.may_be_late, late, shuffle), Fate.LATE))
    return chosen


def _spread(kinds: dict[LimitKind, tuple[int, ...]], late: int, shuffle: random.Random) -> list[int]:
    """Take in turn from each kind of limit until `late` are found."""
    queues = [shuffle.sample(found, len(found)) for found in kinds.values()]
    chosen: list[int] = []
    while len(chosen) < late:
        for queue in queues:
            if queue and len(chosen) < late:
                chosen.append(queue.pop())
    return chosen
