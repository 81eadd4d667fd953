"""Acts that mend a result: a signature is voided, a finished dossier reopened, a result handed over corrected."""

from __future__ import annotations

from typing import Any

from services.processing.domain.cases import Case
from services.processing.domain.changing import Means, about, acted, said_by, step_of
from services.processing.domain.progress import finish_taken_back, send_back
from services.processing.domain.situations import Situation
from shared.contracts import facts
from shared.rulebook.calendar import local
from shared.rulebook.limits import Outcome, judge
from shared.rulebook.moves import Move


def void_signature(seen: Situation, move: Move, _means: Means) -> tuple[Case, facts.DossierFact]:
    """Open the signature again; what followed it, and its number, are void: a number is never given twice."""
    step, number = step_of(seen), seen.case.result_number
    case = acted(seen.case, move, steps=send_back(seen.case.steps, step, None, seen.now), result_number=None)
    said = about(seen, case, step, seen.officer.subject)
    return case, facts.SignatureVoided(**said, result_number=number or "", reason=str(seen.act.reason))


def reopen(seen: Situation, move: Move, _means: Means) -> tuple[Case, facts.DossierFact]:
    """Take the finish back: signature and number stand, and only the finish is owed again.

    The dossier is judged by its last finish, and is late if any was (C11).
    """
    finished, due = seen.case.finished_at, seen.case.promised_due
    if finished is None:
        raise ValueError("only a finished dossier is reopened")
    late = seen.case.finished_late_at or (finished if judge(due, finished) is Outcome.LATE else None)
    steps = finish_taken_back(seen.case.steps, finished, seen.now)
    case = acted(seen.case, move, finished_at=None, finished_late_at=late, steps=steps)
    return case, facts.ResultReopened(**_said(seen, case), finished_at=local(finished), promised_due=local(due))


def correct_result(seen: Situation, move: Move, _means: Means) -> tuple[Case, facts.DossierFact]:
    """Say that the result was corrected; state, number and judgement stay as they are."""
    case = acted(seen.case, move, corrected_at=seen.now)
    return case, facts.ResultCorrected(**_said(seen, case), result_number=case.result_number or "")


def _said(seen: Situation, case: Case) -> dict[str, Any]:
    return {**said_by(seen, case), "reason": str(seen.act.reason)}
