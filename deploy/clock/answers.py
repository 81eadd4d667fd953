"""Answers of the legal clock as JSON has them: moments with their offset, to the second."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from deploy.clock.questions import KINDS, DueQuestion, MinutesQuestion
from shared.rulebook.calendar import working_time_between
from shared.rulebook.explanation import Counting, Explanation, Line, explain
from shared.rulebook.limits import WORKING_TIME
from shared.rulebook.reckoning import Reckoning, Weighed, reckon

Answer = dict[str, Any]
_UNITS = {kind: unit for unit, kind in KINDS.items()}


def answer(question: DueQuestion | MinutesQuestion, *, explained: bool = False) -> Answer:
    """Answer a question, without its id. Raises REFUSED."""
    if isinstance(question, MinutesQuestion):
        return {"working_minutes": _minutes(question)}
    found = reckoning_of(question)
    if not explained:
        return due_answer(found)
    return due_answer(found) | {"explanation": explanation_data(explain(question.calendar, found))}


def reckoning_of(question: DueQuestion) -> Reckoning:
    """Let the rulebook reckon. Raises REFUSED."""
    return reckon(question.calendar, question.limit, question.received, question.pauses, question.policy)


def due_answer(found: Reckoning) -> Answer:
    """The three moments, or since when there are none."""
    if found.due_at is None:
        return {"due_at": None, "paused_since": _written(found.paused_since)}
    return {
        "due_at": _written(found.due_at),
        "half_time_at": _written(found.half_time_at),
        "apology_draft_at": _written(found.apology_draft_at),
    }


def explanation_data(explanation: Explanation) -> Answer:
    """All that a limit is made of; `counted`, `total` and `wanted` are in days, or in seconds of working time."""
    found = explanation.reckoning
    return {
        "limit": {
            "unit": _UNITS[found.limit.kind],
            "n": found.limit.amount or None,
            "cutoff": found.limit.cut_off.isoformat() if found.limit.cut_off else None,
        },
        "received": _written(found.accepted_at),
        "supplement_policy": found.policy,
        "counted_in": "seconds" if found.limit.kind in WORKING_TIME else "days",
        "wanted": explanation.wanted,
        "pauses": [_pause(number, weighed) for number, weighed in enumerate(found.pauses, 1)],
        "runs": [_run(counting) for counting in explanation.countings],
    }


def _minutes(question: MinutesQuestion) -> int | float:
    for moment in (question.start, question.end):
        question.calendar.sessions(moment.date())  # a date outside the calendar's years is refused
    seconds = int(working_time_between(question.calendar, question.start, question.end).total_seconds())
    return seconds / 60 if seconds % 60 else seconds // 60


def _pause(number: int, weighed: Weighed) -> Answer:
    return {
        "number": number,
        "kind": weighed.pause.kind,
        "began_at": _written(weighed.pause.begins),
        "ended_at": _written(weighed.pause.ends),
        "goes_on_at": _written(weighed.goes_on_at),
        "effect": weighed.effect,
    }


def _run(counting: Counting) -> Answer:
    return {
        "begins_at": _written(counting.run.begins),
        "counts_from": _written(counting.run.counts_from),
        "total": counting.total,
        "lines": [_line(line) for line in counting.lines],
    }


def _line(line: Line) -> Answer:
    shown = line.shown
    named = {"name_vi": shown.name_vi, "name_en": shown.name_en, "source": shown.source}
    return {
        "date": shown.day.isoformat(),
        "working": shown.working,
        "kind": shown.status,
        **{name: text for name, text in named.items() if text},
        "from": _written(line.begins),
        "to": _written(line.ends),
        "verdict": line.verdict,
        "rule": line.rule,
        "pauses": list(line.pauses),
        "counted": line.counted,
        "total": line.total,
    }


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
