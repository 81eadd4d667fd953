"""An explanation as plain data, as JSON has it: moments with their offset, to the second."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.rulebook.explanation import Counting, Explanation, Line
from shared.rulebook.limits import WORKING_TIME, LimitKind
from shared.rulebook.reckoning import Weighed

Data = dict[str, Any]


class Unit(StrEnum):
    """How a limit is counted, as questions and answers name it."""

    WORKING_DAY = "working_day"
    CALENDAR_DAY = "calendar_day"
    WORKING_HOUR = "working_hour"
    WORKING_MINUTE = "working_minute"
    SAME_DAY = "same_day"
    NONE = "none"


UNITS: Mapping[LimitKind, Unit] = {
    LimitKind.WORKING_DAYS: Unit.WORKING_DAY,
    LimitKind.CALENDAR_DAYS: Unit.CALENDAR_DAY,
    LimitKind.WORKING_HOURS: Unit.WORKING_HOUR,
    LimitKind.WORKING_MINUTES: Unit.WORKING_MINUTE,
    LimitKind.SAME_DAY: Unit.SAME_DAY,
    LimitKind.NONE: Unit.NONE,
}


def explanation_data(explanation: Explanation) -> Data:
    """All that a limit is made of; `counted`, `total` and `wanted` are in days, or in seconds of working time."""
    found = explanation.reckoning
    return {
        "limit": {
            "unit": UNITS[found.limit.kind],
            "n": found.limit.amount or None,
            "cutoff": found.limit.cut_off.isoformat() if found.limit.cut_off else None,
        },
        "received": written(found.accepted_at),
        "supplement_policy": found.policy,
        "counted_in": "seconds" if found.limit.kind in WORKING_TIME else "days",
        "wanted": explanation.wanted,
        "pauses": [_pause(number, weighed) for number, weighed in enumerate(found.pauses, 1)],
        "runs": [_run(counting) for counting in explanation.countings],
    }


def _pause(number: int, weighed: Weighed) -> Data:
    return {
        "number": number,
        "kind": weighed.pause.kind,
        "began_at": written(weighed.pause.begins),
        "ended_at": written(weighed.pause.ends),
        "goes_on_at": written(weighed.goes_on_at),
        "effect": weighed.effect,
    }


def _run(counting: Counting) -> Data:
    return {
        "begins_at": written(counting.run.begins),
        "counts_from": written(counting.run.counts_from),
        "total": counting.total,
        "lines": [_line(line) for line in counting.lines],
    }


def _line(line: Line) -> Data:
    shown = line.shown
    named = {"name_vi": shown.name_vi, "name_en": shown.name_en, "source": shown.source}
    return {
        "date": shown.day.isoformat(),
        "working": shown.working,
        "kind": shown.status,
        **{name: text for name, text in named.items() if text},
        "from": written(line.begins),
        "to": written(line.ends),
        "verdict": line.verdict,
        "rule": line.rule,
        "pauses": list(line.pauses),
        "counted": line.counted,
        "total": line.total,
    }


def written(moment: datetime | None) -> str | None:
    """A moment with its offset, if there is one."""
    return None if moment is None else moment.isoformat()
