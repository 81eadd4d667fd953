"""Why an act is done: for each action that must say so a closed list, with its words; never free text.

The codes travel in facts and are never taken back; the words are what clerks choose from.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class ApologyReason(StrEnum):
    """Why a dossier will be late, as Mẫu 04 says it to the citizen."""

    OFFICER_ABSENT = "officer_absent"
    WORKLOAD = "workload"
    OTHER_AGENCY = "other_agency"
    VERIFICATION = "verification"
    SYSTEM_FAILURE = "system_failure"


class ReturnReason(StrEnum):
    """Why a step is sent back."""

    INCOMPLETE = "incomplete"
    FACTS_UNCLEAR = "facts_unclear"
    LEGAL_BASIS = "legal_basis"
    DRAFT_FAULTY = "draft_faulty"
    WRONG_ADDRESSEE = "wrong_addressee"


class VoidingReason(StrEnum):
    """Why a signature is voided."""

    RESULT_FAULTY = "result_faulty"
    WRONG_SIGNER = "wrong_signer"
    SIGNED_BY_MISTAKE = "signed_by_mistake"
    SIGNATURE_INVALID = "signature_invalid"


class ReopeningReason(StrEnum):
    """Why a dossier is reopened before its result was handed over."""

    RESULT_FAULTY = "result_faulty"
    LEGAL_BASIS = "legal_basis"
    NEW_FACTS = "new_facts"
    ANOTHER_DOSSIERS_RESULT = "another_dossiers_result"


class CorrectionReason(StrEnum):
    """Why a result is corrected after it was handed over."""

    CLERICAL_ERROR = "clerical_error"
    PERSONAL_DATA = "personal_data"
    LEGAL_BASIS = "legal_basis"
    ANOTHER_DOSSIERS_RESULT = "another_dossiers_result"


class Words(NamedTuple):
    """What a clerk reads."""

    vi: str
    en: str


REASONS: Mapping[str, Mapping[StrEnum, Words]] = {
    "send_apology": {
        ApologyReason.OFFICER_ABSENT: Words("Cán bộ phụ trách vắng mặt", "The officer in charge is absent"),
        ApologyReason.WORKLOAD: Words("Số lượng hồ sơ tăng cao", "Too many dossiers at once"),
        ApologyReason.OTHER_AGENCY: Words("Chờ cơ quan phối hợp", "Waiting for another agency"),
        ApologyReason.VERIFICATION: Words("Cần thời gian xác minh", "Verification takes longer"),
        ApologyReason.SYSTEM_FAILURE: Words("Sự cố hệ thống", "A failure of the system"),
    },
    "return_step": {
        ReturnReason.INCOMPLETE: Words("Bước trước làm chưa đủ", "The earlier step is not complete"),
        ReturnReason.FACTS_UNCLEAR: Words("Nội dung thẩm tra chưa rõ", "What was examined is not clear"),
        ReturnReason.LEGAL_BASIS: Words("Căn cứ pháp lý chưa đúng", "The legal basis is not right"),
        ReturnReason.DRAFT_FAULTY: Words("Dự thảo kết quả có sai sót", "The draft of the result has faults"),
        ReturnReason.WRONG_ADDRESSEE: Words("Chuyển nhầm nơi nhận", "It was passed on to the wrong place"),
    },
    "void_signature": {
        VoidingReason.RESULT_FAULTY: Words("Kết quả đã ký có sai sót", "The signed result has faults"),
        VoidingReason.WRONG_SIGNER: Words("Ký không đúng thẩm quyền", "The signer had no power to sign it"),
        VoidingReason.SIGNED_BY_MISTAKE: Words("Ký nhầm hồ sơ", "Another dossier was meant"),
        VoidingReason.SIGNATURE_INVALID: Words("Chữ ký số không hợp lệ", "The digital signature is not valid"),
    },
    "reopen": {
        ReopeningReason.RESULT_FAULTY: Words("Kết quả có sai sót", "The result has faults"),
        ReopeningReason.LEGAL_BASIS: Words("Căn cứ pháp lý chưa đúng", "The legal basis is not right"),
        ReopeningReason.NEW_FACTS: Words("Có tình tiết mới", "New facts have come to light"),
        ReopeningReason.ANOTHER_DOSSIERS_RESULT: Words("Nhầm kết quả hồ sơ khác", "It is another dossier's result"),
    },
    "correct_result": {
        CorrectionReason.CLERICAL_ERROR: Words("Sai chính tả, số liệu", "A slip of the pen or in a figure"),
        CorrectionReason.PERSONAL_DATA: Words("Sai thông tin cá nhân", "Personal data are wrong"),
        CorrectionReason.LEGAL_BASIS: Words("Căn cứ pháp lý chưa đúng", "The legal basis is not right"),
        CorrectionReason.ANOTHER_DOSSIERS_RESULT: Words(
            "Trả nhầm kết quả hồ sơ khác", "It was another dossier's result"
        ),
    },
}
"""Action → the reasons that it may give."""
