"""The facts of a place of reception: registered, papers asked and received, refused, withdrawn; withdrawal asked for.

None of them counts in any figure (C15), and no dossier is decided before `DossierAccepted`. After it papers still
arrive and a withdrawal may be asked for there; what comes of either is processing's to tell.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from shared.contracts.terms import DossierFact


class Filer(StrEnum):
    """Who acts for a dossier at its place of reception: the applicant himself, or the desk."""

    CITIZEN = "citizen"
    DESK = "desk"


class ReceptionFact(DossierFact):
    """A fact about a dossier at its place of reception; `officer` is empty where the applicant acted himself."""

    received_by: str
    by: Filer
    officer: str


class FiledFact(ReceptionFact):
    """A fact with which a dossier begins: what was filed, and the path of the place that may see it."""

    agencies_version: str
    procedure_code: str
    case_code: str
    field: str
    received_path: str


class DossierRegistered(FiledFact):
    """Mới đăng ký: filed online, not received yet (state 1); no clock runs."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.registered.v1"

    area_code: str


class DossierRefused(FiledFact):
    """Không được tiếp nhận (state 3, Mẫu 03), at the desk or after a registration; `reason` is of a closed list."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.refused.v1"

    reason: str


class PapersRequested(ReceptionFact):
    """Yêu cầu bổ sung giấy tờ before acceptance (Mẫu 02): codes of the pinned list; the state stays 1."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.papers_requested.v1"

    procedure_code: str
    case_code: str
    papers: tuple[str, ...]


class PapersReceived(ReceptionFact):
    """Papers that were asked for have arrived; its legal time is their arrival. `missing`: asked for and not there.

    Before acceptance they are those of `PapersRequested`, after it those of the last `SupplementRequested` (C6).
    """

    TYPE: ClassVar[str] = "vn.motcua.dossier.papers_received.v1"

    papers: tuple[str, ...]
    missing: tuple[str, ...]


class RegistrationWithdrawn(ReceptionFact):
    """Công dân rút hồ sơ trước khi được tiếp nhận (state 7)."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.registration_withdrawn.v1"


class WithdrawalRequested(ReceptionFact):
    """Công dân yêu cầu rút hồ sơ after acceptance, once: an officer withdraws or stops it; until then all goes on."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.withdrawal_requested.v1"
