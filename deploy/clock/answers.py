"""Answers of the legal clock as JSON has them: moments with their offset, to the second."""

from __future__ import annotations

from typing import Any

from deploy.clock.questions import DueQuestion, MinutesQuestion
from shared.rulebook.calendar import working_time_between
from shared.rulebook.explanation import explain
from shared.rulebook.explanation_data import explanation_data, written
from shared.rulebook.limits import appointed
from shared.rulebook.reckoning import Reckoning, reckon

Answer = dict[str, Any]


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
    """The three moments, or since when there are none, or that none is appointed."""
    if found.due_at is not None and not appointed(found.due_at):
        return {"due_at": None, "appointed": False}
    if found.due_at is None:
        return {"due_at": None, "paused_since": written(found.paused_since)}
    return {
        "due_at": written(found.due_at),
        "half_time_at": written(found.half_time_at),
        "apology_draft_at": written(found.apology_draft_at),
    }


def _minutes(question: MinutesQuestion) -> int | float:
    seconds = int(working_time_between(question.calendar, question.start, question.end).total_seconds())
    return seconds / 60 if seconds % 60 else seconds // 60
