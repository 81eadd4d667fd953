"""Facts of acts off the straight way: sent back, taken back, another officer, another agency, and results mended."""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime

from shared.contracts.terms import DossierFact, State, StepFact


class StepReturned(StepFact):
    """Trả lại bước trước: the holder of a step sent the dossier back to a completed one, which goes on there (C10).

    `to_officer` is who completed it and has it again, empty where a whole desk does.
    """

    TYPE: ClassVar[str] = "vn.motcua.dossier.step_returned.v1"

    to_step: int
    to_agency: str
    to_officer: str
    reason: str


class StepRecalled(StepFact):
    """Rút lại: whoever completed a step took it back before anybody took the next one (C10)."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.step_recalled.v1"


class DossierReassigned(StepFact):
    """Phân công lại: the leader gave an open step to `officer`; `previous_officer` is empty where nobody had it."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.reassigned.v1"

    previous_officer: str
    reassigned_by: str


class AgencyAsked(StepFact):
    """Hỏi ý kiến: the holder of a step asked another agency; the step goes on beside the answer."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.agency_asked.v1"

    asked_agency: str


class AgencyAnswered(StepFact):
    """Trả lời ý kiến: the agency that was asked answered; `step_no` and `agency` are the asking step's."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.agency_answered.v1"

    asked_agency: str
    asked_at: AwareDatetime


class SignatureVoided(StepFact):
    """Hủy chữ ký: the signature stands no more; a number that the result had stays used up, empty where it had none."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.signature_voided.v1"

    result_number: str
    reason: str


class ResultReopened(DossierFact):
    """Mở lại hồ sơ (9 → 4): the finish at `finished_at` is taken back; if it was late, late it stays (C11)."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.result_reopened.v1"

    state: State
    agency: str
    officer: str
    reason: str
    finished_at: AwareDatetime
    promised_due: AwareDatetime


class ResultCorrected(DossierFact):
    """Đính chính kết quả đã trả (state 10 stays): a new fact beside the old ones, which say what they said."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.result_corrected.v1"

    state: State
    agency: str
    officer: str
    reason: str
    result_number: str
