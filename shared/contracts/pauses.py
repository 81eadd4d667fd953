"""Facts of the legal clock's pauses (C6–C8, C13), and of dossiers that are closed without a result (C15).

Each says who stopped the clock or let it go on, why (papers, an amount, a period) and on what article (`basis`), and
both due moments as they stand after it: null while a limit is paused (C6).
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime

from shared.contracts.terms import DossierFact, State


class Period(StrEnum):
    """An excluded period that a case may name, inside state 4."""

    POSTING = "posting"
    SURVEY = "survey"
    COUNCIL = "council"


class StopCause(StrEnum):
    """Why a dossier was stopped (state 8)."""

    WITHDRAWAL = "withdrawal"
    UNPAID = "unpaid"


class OfficersFact(DossierFact):
    """A fact about a whole dossier: which officer of which agency, and the state that the act leaves behind."""

    state: State
    agency: str
    officer: str


class PausingFact(OfficersFact):
    """The clock stands from the fact's legal time; a limit that was due by then runs on, and keeps its due moment."""

    basis: str
    statutory_due: AwareDatetime | None
    promised_due: AwareDatetime | None


class ResumingFact(OfficersFact):
    """The clock goes on: both due moments are those in force from now on."""

    statutory_due: AwareDatetime
    promised_due: AwareDatetime


class SupplementRequested(PausingFact):
    """Yêu cầu bổ sung giấy tờ (Mẫu 02): `papers` of the pinned list, to arrive by `limit_at` (C13).

    `number` counts the requests of the dossier; of a further one `officer` is the leader who approved what
    `proposed_by` proposed.
    """

    TYPE: ClassVar[str] = "vn.motcua.dossier.supplement_requested.v1"

    procedure_code: str
    case_code: str
    number: int
    papers: tuple[str, ...]
    limit_at: AwareDatetime
    policy: str
    proposed_by: str


class SupplementProposed(OfficersFact):
    """Đề xuất yêu cầu bổ sung lần nữa: a leader decides; the clock runs."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.supplement_proposed.v1"

    number: int
    papers: tuple[str, ...]


class SupplementReceived(ResumingFact):
    """Đã nhận đủ giấy tờ bổ sung: the pause ended at `arrived_at`, when the last paper had arrived (C6).

    `restarted` says that the whole limit runs again from then (C8).
    """

    TYPE: ClassVar[str] = "vn.motcua.dossier.supplement_received.v1"

    number: int
    asked_at: AwareDatetime
    arrived_at: AwareDatetime
    restarted: bool


class RefusedAfterLimit(OfficersFact):
    """Từ chối sau khi hết hạn bổ sung (5 → 3): not everything had arrived by `limit_at` (C13)."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.refused_after_limit.v1"

    limit_at: AwareDatetime


class PaymentDemanded(PausingFact):
    """Yêu cầu thực hiện nghĩa vụ tài chính (state 6): an amount in đồng, to be paid by `limit_at` (C13)."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.payment_demanded.v1"

    amount_vnd: int
    limit_at: AwareDatetime


class PaymentRecorded(ResumingFact):
    """Đã hoàn thành nghĩa vụ tài chính: the amount demanded has been paid in full."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.payment_recorded.v1"

    amount_vnd: int
    demanded_at: AwareDatetime


class ClockPaused(PausingFact):
    """Tạm dừng tính thời hạn: the excluded period that the open step is has begun."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.clock_paused.v1"

    step_no: int
    period: Period


class ClockResumed(ResumingFact):
    """Tiếp tục tính thời hạn: the excluded period is over; the step is still to be passed on."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.clock_resumed.v1"

    step_no: int
    period: Period
    paused_at: AwareDatetime


class DossierWithdrawn(OfficersFact):
    """Công dân rút hồ sơ (state 7): asked for at `requested_at`, before any step after acceptance was complete."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.withdrawn.v1"

    requested_at: AwareDatetime


class DossierStopped(OfficersFact):
    """Dừng giải quyết hồ sơ (state 8, Mẫu 05): the applicant withdrew it, or did not pay within the limit."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.stopped.v1"

    cause: StopCause


class LimitReached(DossierFact):
    """A limit of the applicant's has passed (C13); its legal time is the limit."""

    state: State
    since: AwareDatetime


class SupplementLimitReached(LimitReached):
    """Hết hạn bổ sung giấy tờ: not everything that was asked for at `since` had arrived by then."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.supplement_limit_reached.v1"


class PaymentLimitReached(LimitReached):
    """Hết hạn thực hiện nghĩa vụ tài chính: what was demanded at `since` had not been paid by then."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.payment_limit_reached.v1"
