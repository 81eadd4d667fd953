"""What the effects of acts share: what they draw on, what they make, and how a case moves on by one act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from services.processing.domain.cases import Case, Step
from services.processing.domain.refusals import ActInvalid, ConditionNotMet
from services.processing.domain.situations import Situation
from shared.contracts.facts import DossierFact
from shared.rulebook.agencies import Agencies
from shared.rulebook.calendar import Calendar
from shared.rulebook.catalogue import Case as Kind
from shared.rulebook.catalogue import Catalogue
from shared.rulebook.moves import Move
from shared.rulebook.officers import NOBODY_SAID, Register, Seat, Shut


@dataclass(frozen=True, slots=True)
class Means:
    """What an act draws on beside the case: the rules that it goes by, and the register's next number.

    `calendar` is the one that the dossier follows, `promised_by` and `statutory_by` are those that its dates were
    issued by where they are others. `next_number` is the next free number of the caller's agency in this year, drawn
    for the act `number` only. `officers` is the register of officers.
    """

    calendar: Calendar
    agencies: Agencies
    catalogue: Catalogue
    next_number: int | None = None
    promised_by: Calendar | None = None
    statutory_by: Calendar | None = None
    officers: Register = NOBODY_SAID

    @property
    def calendars(self) -> tuple[Calendar, Calendar | None, Calendar | None]:
        """The calendars that due moments are reckoned by: the one that is followed, and those of the dates in force."""
        return self.calendar, self.promised_by, self.statutory_by

    def kind_of(self, case: Case) -> Kind:
        """Find the case of the catalogue that a dossier was accepted under."""
        return case.kind(self.catalogue)


@dataclass(frozen=True, slots=True)
class Drafted:
    """A fact that is about to be journaled, with its legal time."""

    fact: DossierFact
    legal_time: datetime


Effect = Callable[[Situation, Move, Means], tuple[Case, DossierFact]]


def acted(case: Case, move: Move, **changes: Any) -> Case:
    """Move a case on by one act: the state of the table's row, the next version, and these changes."""
    state = case.state if move.to is None else move.to
    return replace(case, state=state, version=case.version + 1, **changes)


def step_of(seen: Situation) -> Step:
    """Return the step of the act; a caller who names one that does not wait for him is refused."""
    if seen.step is None:
        raise ConditionNotMet("step_open_here", "The step named does not wait for this act.")
    return seen.step


def named_officer(seen: Situation, step: Step, means: Means) -> str:
    """Return the officer whom the act names for a step. Raises ActInvalid for whom the register lets do nothing."""
    named = seen.act.officer or ""
    match means.officers.shuts_out(Seat(seen.act.agency or step.agency, named, step.role), seen.now.date()):
        case Shut.REVOKED:
            raise ActInvalid("named_officer_revoked", "The officer named is revoked.")
        case Shut.NOT_SEATED:
            raise ActInvalid("named_officer_not_seated", "The officer named does not hold the step's seat today.")
    return named


def about(seen: Situation, case: Case, step: Step, officer: str) -> dict[str, Any]:
    """Say what every fact about a step says: its agency is the one that answers for it on the day of the act."""
    return {
        "catalogue_version": case.catalogue_version,
        "calendar_version": case.calendar_version,
        "state": case.state,
        "step_no": step.no,
        "agency": seen.whose(step.agency),
        "officer": officer,
    }


def said_by(seen: Situation, case: Case) -> dict[str, Any]:
    """Say what every fact of an officer about a whole dossier says."""
    return {
        "catalogue_version": case.catalogue_version,
        "calendar_version": case.calendar_version,
        "state": case.state,
        "agency": seen.officer.agency,
        "officer": seen.officer.subject,
    }
