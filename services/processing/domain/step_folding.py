"""When a dossier stood at which step, folded from its facts alone: what the steps' clocks are reckoned from (C10)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import repeat
from typing import Any, NamedTuple

from services.processing.domain.cases import Stay, Step
from services.processing.domain.progress import Steps, complete, finish_taken_back, replaced, send_back, start_again
from shared.contracts import facts
from shared.contracts.facts import DossierFact
from shared.rulebook.calendar import local
from shared.rulebook.catalogue import StepMove


class _Commune(NamedTuple):
    code: str = ""
    path: str = ""


class _Whoever:
    """Another commune that opens a step: which one it is, the facts of that step say."""

    def resolve(self, wanted: int) -> Iterator[_Commune]:
        """Answer for so many steps."""
        return repeat(_Commune(), wanted)


def steps_after(steps: Steps, fact: DossierFact, at: datetime) -> Steps:
    """Return the steps after one fact; most facts leave them as they are."""
    if isinstance(fact, facts.StepFact):
        steps = _seated(steps, fact)
    change = _CHANGES.get(type(fact))
    return steps if change is None else change(steps, fact, at)


def _seated(steps: Steps, fact: facts.StepFact) -> Steps:
    step = _of(steps, fact.step_no)
    return steps if step.agency else replaced(steps, replace(step, agency=fact.agency))


def _of(steps: Steps, no: int) -> Step:
    found = next((step for step in steps if step.no == no), None)
    if found is None:
        raise LookupError(f"there is no step {no}")
    return found


def _completed(steps: Steps, fact: Any, at: datetime) -> Steps:
    return complete(steps, _of(steps, fact.step_no), fact.officer, at, _Whoever())


def _numbered(steps: Steps, fact: Any, at: datetime) -> Steps:
    return _completed(steps, fact, at) if _of(steps, fact.step_no).move is StepMove.NUMBER else steps


def _returned(steps: Steps, fact: Any, at: datetime) -> Steps:
    return send_back(steps, _of(steps, fact.to_step), None, at)


def _opened_again(steps: Steps, fact: Any, at: datetime) -> Steps:
    return send_back(steps, _of(steps, fact.step_no), None, at)


def _received(steps: Steps, fact: Any, at: datetime) -> Steps:
    return start_again(steps, at) if fact.restarted else steps


def _reopened(steps: Steps, fact: Any, at: datetime) -> Steps:
    return finish_taken_back(steps, local(fact.finished_at), at)


_CHANGES: Mapping[type[DossierFact], Callable[[Steps, Any, datetime], Steps]] = {
    facts.StepCompleted: _completed,
    facts.ResultSigned: _completed,
    facts.ResultNumbered: _numbered,
    facts.ResultHandedOver: _completed,
    facts.StepReturned: _returned,
    facts.StepRecalled: _opened_again,
    facts.SignatureVoided: _opened_again,
    facts.SupplementReceived: _received,
    facts.ResultReopened: _reopened,
}
"""Fact → what it changes in the stays at the steps."""


def stays_of(step: Step) -> tuple[Stay, ...]:
    """List the earlier stays at a step to the second, without those that took no time; those that touch are one."""
    found: list[Stay] = []
    for stay in step.earlier:
        begins, ends = local(stay.opened_at), local(stay.left_at)
        if begins == ends:
            continue
        if found and found[-1].left_at >= begins:
            found[-1] = Stay(found[-1].opened_at, max(ends, found[-1].left_at))
        else:
            found.append(Stay(begins, ends))
    return tuple(found)
