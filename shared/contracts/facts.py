"""The facts on the wire: one frozen model for each type, data only.

A fact carries codes, versions and moments: no personal data and no free text. Legal time travels in the
envelope (`ce_time`); a moment stands in a body only where it is another than that of the act. Consumers ignore unknown
fields. A change that is not additive is a new type (`….v2`) beside the old one; `schemas/` holds what is published.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import AwareDatetime

from shared.contracts.backdating import Backdating, Evidence
from shared.contracts.deadlines import (
    ApologyDrafted,
    BecameOverdue,
    DeadlineReissued,
    HalfTimeReached,
    LimitReissued,
    OwnLimit,
    TimerFact,
)
from shared.contracts.detours import (
    AgencyAnswered,
    AgencyAsked,
    DossierReassigned,
    ResultCorrected,
    ResultReopened,
    SignatureVoided,
    StepRecalled,
    StepReturned,
)
from shared.contracts.officers import EntryKind, OfficerEntered
from shared.contracts.pauses import (
    ClockPaused,
    ClockResumed,
    DossierStopped,
    DossierWithdrawn,
    LimitReached,
    OfficersFact,
    PausingFact,
    PaymentDemanded,
    PaymentLimitReached,
    PaymentRecorded,
    Period,
    RefusedAfterLimit,
    ResumingFact,
    StopCause,
    SupplementLimitReached,
    SupplementProposed,
    SupplementReceived,
    SupplementRequested,
)
from shared.contracts.registration import (
    DossierRefused,
    DossierRegistered,
    Filer,
    PapersReceived,
    PapersRequested,
    RegistrationWithdrawn,
    WithdrawalRequested,
)
from shared.contracts.telling import (
    ContactStated,
    NoticeDelivered,
    NoticeFact,
    NoticeFailed,
    NoticeHandedOver,
    NoticeUnknown,
)
from shared.contracts.terms import Channel, DossierFact, Fact, Handover, Language, Receiver, State, StepFact

__all__ = [
    "FACTS",
    "AgencyAnswered",
    "AgencyAsked",
    "ApologyDrafted",
    "Backdating",
    "BecameOverdue",
    "Channel",
    "ClockPaused",
    "ClockResumed",
    "ContactStated",
    "DeadlineReissued",
    "DossierFact",
    "DossierReassigned",
    "DossierRefused",
    "DossierRegistered",
    "DossierStopped",
    "DossierWithdrawn",
    "EntryKind",
    "Evidence",
    "Fact",
    "Filer",
    "HalfTimeReached",
    "Handover",
    "Language",
    "LimitReached",
    "LimitReissued",
    "NoticeDelivered",
    "NoticeFact",
    "NoticeFailed",
    "NoticeHandedOver",
    "NoticeUnknown",
    "OfficerEntered",
    "OfficersFact",
    "OwnLimit",
    "PapersReceived",
    "PapersRequested",
    "PausingFact",
    "PaymentDemanded",
    "PaymentLimitReached",
    "PaymentRecorded",
    "Period",
    "Receiver",
    "RefusedAfterLimit",
    "RegistrationWithdrawn",
    "ResultCorrected",
    "ResultReopened",
    "ResumingFact",
    "SignatureVoided",
    "State",
    "StepFact",
    "StepRecalled",
    "StepReturned",
    "StopCause",
    "SupplementLimitReached",
    "SupplementProposed",
    "SupplementReceived",
    "SupplementRequested",
    "TimerFact",
    "WithdrawalRequested",
]


class DossierAccepted(DossierFact):
    """Hồ sơ được tiếp nhận: the dossier reached state 2 and both clocks run (C1–C5, C9).

    `backdating`: why its legal time is before its record (C14). `filed_online`: its limits are those for that.
    """

    TYPE: ClassVar[str] = "vn.motcua.dossier.accepted.v1"

    agencies_version: str
    procedure_code: str
    case_code: str
    field: str
    received_by: str
    received_path: str
    competent_agency: str
    competent_path: str
    area_code: str
    limit_kind: str
    statutory_due: AwareDatetime
    promised_due: AwareDatetime
    tracking_secret_hash: str
    backdating: Backdating | None = None
    filed_online: bool = False


class DossierAssigned(StepFact):
    """Phân công: an officer was named for the first open step (2 → 4)."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.assigned.v1"


class StepTaken(StepFact):
    """Nhận việc: an officer took an open step."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.step_taken.v1"


class StepCompleted(StepFact):
    """Chuyển bước: the holder completed a step and passed the dossier on."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.step_completed.v1"


class ResultSigned(StepFact):
    """Ký kết quả: the leader signed the result."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.result_signed.v1"


class ResultNumbered(StepFact):
    """Vào sổ, đóng dấu: the result got its number in the register."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.result_numbered.v1"

    result_number: str


class ResultReady(StepFact):
    """Đã xử lý xong (state 9): the moment by which lateness is judged (C11)."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.result_ready.v1"


class ResultHandedOver(StepFact):
    """Đã trả kết quả (state 10)."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.result_handed_over.v1"

    receiver: Receiver
    handover: Handover


class DossierApologised(DossierFact):
    """Xin lỗi và hẹn lại ngày trả kết quả (Mẫu 04): sent once; it moves no judgement (C11, C12)."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.apologised.v1"

    state: State
    agency: str
    officer: str
    reason: str
    reappointed_to: AwareDatetime


class RulesPublished(Fact):
    """One version of a rule set, whole: `rule_set` is catalogue, calendar or agencies.

    All but the seed, version 1, were laid over the version `based_on` and signed off by an officer of an agency.
    """

    TYPE: ClassVar[str] = "vn.motcua.rules.published.v1"

    rule_set: str
    version: str
    content: dict[str, Any]
    based_on: str = ""
    signed_by: str = ""
    signed_agency: str = ""


FACTS: Mapping[str, type[Fact]] = {
    model.TYPE: model
    for model in (
        DossierRegistered,
        DossierRefused,
        PapersRequested,
        PapersReceived,
        RegistrationWithdrawn,
        WithdrawalRequested,
        DossierAccepted,
        DossierAssigned,
        StepTaken,
        StepCompleted,
        ResultSigned,
        ResultNumbered,
        ResultReady,
        ResultHandedOver,
        DossierApologised,
        StepReturned,
        StepRecalled,
        DossierReassigned,
        AgencyAsked,
        AgencyAnswered,
        SignatureVoided,
        ResultReopened,
        ResultCorrected,
        DeadlineReissued,
        LimitReissued,
        SupplementRequested,
        SupplementProposed,
        SupplementReceived,
        RefusedAfterLimit,
        PaymentDemanded,
        PaymentRecorded,
        ClockPaused,
        ClockResumed,
        DossierWithdrawn,
        DossierStopped,
        SupplementLimitReached,
        PaymentLimitReached,
        HalfTimeReached,
        ApologyDrafted,
        BecameOverdue,
        ContactStated,
        NoticeHandedOver,
        NoticeDelivered,
        NoticeFailed,
        NoticeUnknown,
        RulesPublished,
        OfficerEntered,
    )
}
"""Type on the wire → model."""
