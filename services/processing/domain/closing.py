"""Acts that end a dossier without a result (states 7, 8 and 3): the clock ends, and nobody is judged (C15)."""

from __future__ import annotations

from services.processing.domain.cases import Case
from services.processing.domain.changing import Means, acted, said_by
from services.processing.domain.situations import Situation
from shared.contracts import facts
from shared.contracts.facts import StopCause
from shared.rulebook.calendar import local
from shared.rulebook.moves import Move
from shared.rulebook.pauses import PauseKind


def refuse_after_limit(seen: Situation, move: Move, _means: Means) -> tuple[Case, facts.DossierFact]:
    """Refuse what was not complete within the supplement's own limit (C13)."""
    halt, case = seen.case.last_halt(PauseKind.SUPPLEMENT), acted(seen.case, move, closed_at=seen.now)
    if halt is None or halt.limit_at is None:
        raise ValueError("no supplement with a limit was asked for")
    return case, facts.RefusedAfterLimit(**said_by(seen, case), limit_at=local(halt.limit_at))


def stop_unpaid(seen: Situation, move: Move, _means: Means) -> tuple[Case, facts.DossierFact]:
    """Stop a dossier whose applicant did not pay within the limit."""
    case = acted(seen.case, move, closed_at=seen.now)
    return case, facts.DossierStopped(**said_by(seen, case), cause=StopCause.UNPAID)


def withdraw(seen: Situation, move: Move, _means: Means) -> tuple[Case, facts.DossierFact]:
    """Confirm that the applicant has withdrawn it, before any step was complete."""
    case, requested = acted(seen.case, move, closed_at=seen.now), seen.case.withdrawal_requested_at
    if requested is None:
        raise ValueError("nobody asked to withdraw it")
    return case, facts.DossierWithdrawn(**said_by(seen, case), requested_at=local(requested))


def stop(seen: Situation, move: Move, _means: Means) -> tuple[Case, facts.DossierFact]:
    """Stop a dossier that its applicant has withdrawn after work on it was done (Mẫu 05)."""
    case = acted(seen.case, move, closed_at=seen.now)
    return case, facts.DossierStopped(**said_by(seen, case), cause=StopCause.WITHDRAWAL)
