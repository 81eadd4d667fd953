"""A dossier was accepted: its case, its flow with every step's agency and officer, and its timers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.processing.domain.cases import Case, Step, StepStatus
from services.processing.domain.progress import NamedCommunes, open_next
from services.processing.domain.timers import Timer, timers_of
from shared.contracts.facts import DossierAccepted, State
from shared.rulebook.agencies import Agencies
from shared.rulebook.calendar import Calendar, local
from shared.rulebook.catalogue import Case as CatalogueCase
from shared.rulebook.catalogue import Catalogue, StepMove
from shared.rulebook.steps import PlannedStep, assign_steps


@dataclass(frozen=True, slots=True)
class Rules:
    """The versions that a fact names."""

    catalogue: Catalogue
    calendar: Calendar
    agencies: Agencies


@dataclass(frozen=True, slots=True)
class Opened:
    """A new case with its timers and the SHA-256 of the applicant's tracking secret."""

    case: Case
    timers: tuple[Timer, ...]
    tracking_secret_hash: bytes


def open_case(code: str, accepted: DossierAccepted, accepted_at: datetime, rules: Rules) -> Opened:
    """Fold the fact into a case in state 2, version 1: acceptance is complete, what follows it is open.

    Both due moments come from the fact: only intake computes them. Raises LookupError for a case or an agency that the
    named versions do not know, ValueError for a hash that is none.
    """
    accepted_at, earlier = local(accepted_at), accepted.backdating
    recorded_at = accepted_at if earlier is None else local(earlier.recorded_at)
    kind = rules.catalogue.case(accepted.procedure_code, accepted.case_code, filed_online=accepted.filed_online)
    case = Case(
        code=code,
        state=State.ACCEPTED,
        version=1,
        procedure_code=accepted.procedure_code,
        case_code=accepted.case_code,
        area_code=accepted.area_code,
        received_by=accepted.received_by,
        received_path=accepted.received_path,
        competent_agency=accepted.competent_agency,
        competent_path=accepted.competent_path,
        catalogue_version=accepted.catalogue_version,
        calendar_version=accepted.calendar_version,
        agencies_version=accepted.agencies_version,
        limit_kind=accepted.limit_kind,
        accepted_at=accepted_at,
        statutory_due=local(accepted.statutory_due),
        promised_due=local(accepted.promised_due),
        calendar_followed=accepted.calendar_version,
        filed_online=accepted.filed_online,
        **({} if earlier is None else {**earlier.model_dump(), "recorded_at": recorded_at}),
        steps=_steps(kind, accepted, (accepted_at, recorded_at), rules.agencies),
    )
    timers = timers_of(rules.calendar.of(case.received_by), kind.promised_limit, accepted_at, case.promised_due)
    return Opened(case, timers, bytes.fromhex(accepted.tracking_secret_hash))


def _steps(
    kind: CatalogueCase, accepted: DossierAccepted, reception: tuple[datetime, datetime], agencies: Agencies
) -> tuple[Step, ...]:
    """Seat the steps by the rules of acceptance; what follows it opens when it is recorded, perhaps later (C14)."""
    day, recorded_at = reception[0].date(), reception[1]
    planned = assign_steps(kind, accepted.received_by, accepted.area_code, agencies, day)
    steps = tuple(_step(step, kind.step(step.no).excluded_period or "", reception) for step in planned)
    return open_next(steps, recorded_at, NamedCommunes((), agencies, day))


def _step(planned: PlannedStep, period: str, reception: tuple[datetime, datetime]) -> Step:
    accepting = planned.move is StepMove.ACCEPT
    return Step(
        no=planned.no,
        code=planned.code,
        move=planned.move,
        agency=planned.agency_code,
        agency_path=planned.agency_path,
        role=planned.officer_role,
        group=planned.parallel_group or "",
        status=StepStatus.DONE if accepting else StepStatus.WAITING,
        opened_at=reception[0] if accepting else None,
        completed_at=reception[1] if accepting else None,
        period=period,
    )
