"""An act about to happen, as conditions and effects look at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.processing.domain.acts import Act, Officer
from services.processing.domain.cases import Case, Step
from shared.rulebook.catalogue import SupplementPolicy


@dataclass(frozen=True, slots=True)
class Situation:
    """An act about to happen: `step` is the step that it is about, None where no step answers to it.

    `pinned_papers` are the codes of the list that the case was accepted under, `policy` says what a supplement does to
    its limit.
    """

    case: Case
    act: Act
    officer: Officer
    now: datetime
    step: Step | None = None
    pinned_papers: frozenset[str] = frozenset()
    policy: SupplementPolicy = SupplementPolicy.RESUME


Condition = Callable[[Situation], bool]
