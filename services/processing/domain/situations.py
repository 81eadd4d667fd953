"""An act about to happen, as conditions and effects look at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.processing.domain.acts import Act, Officer
from services.processing.domain.cases import Ask, Case, Step
from shared.rulebook.agencies import Agencies
from shared.rulebook.catalogue import SupplementPolicy


@dataclass(frozen=True, slots=True)
class Situation:
    """An act about to happen: `step` is the step that it is about, None where no step answers to it.

    Steps name the agency that they were given to. Its work goes on after its end: whoever is compared with it is
    compared with the agency that answers for it today, of the `agencies` in force (ADR 78).
    `pinned_papers` are the codes of the list that the case was accepted under, `policy` says what a supplement does to
    its limit.
    """

    case: Case
    act: Act
    officer: Officer
    now: datetime
    agencies: Agencies
    step: Step | None = None
    pinned_papers: frozenset[str] = frozenset()
    policy: SupplementPolicy = SupplementPolicy.RESUME

    def answering(self, agency: str) -> str | None:
        """Name the agency that answers today for the work of one in this dossier; None where none does."""
        found = self.agencies.answering(agency, self.case.area_code, self.now.date())
        return None if found is None else found.code

    def whose(self, agency: str) -> str:
        """Name whose the work of an agency is today, as facts say it: the agency's own where nobody answers for it."""
        return self.agencies.answering_code(agency, self.case.area_code, self.now.date())

    def is_ours(self, agency: str) -> bool:
        """Tell whether the caller's agency answers today for the work of one."""
        return self.answering(agency) == self.officer.agency

    def open_ask(self, agency: str) -> Ask | None:
        """Find the first question that waits for an agency today; several do where several were asked and merged."""
        unanswered = (ask for ask in self.case.asks if ask.answered_at is None)
        return next((ask for ask in unanswered if self.answering(ask.agency) == agency), None)


Condition = Callable[[Situation], bool]
