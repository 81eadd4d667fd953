"""Why a dossier is not taken in (Mẫu 03): one closed list for each action, with the words that the citizen is told.

A fact carries the code alone. Reasons are specific and never technical (TT 03/2025/TT-VPCP, Phụ lục I, Mẫu 03).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Reason(NamedTuple):
    """A reason in both languages, as it follows "Lý do:" and "Reason:"."""

    vi: str
    en: str


_OF_THE_DOSSIER: Mapping[str, Reason] = {
    "not_competent": Reason(
        "thủ tục không thuộc thẩm quyền giải quyết của cơ quan này", "another agency is competent for the procedure"
    ),
    "not_eligible": Reason(
        "không thuộc đối tượng hoặc chưa đủ điều kiện theo quy định", "the conditions of the procedure are not met"
    ),
    "papers_missing": Reason(
        "thành phần hồ sơ còn thiếu so với quy định", "papers that the procedure asks for are missing"
    ),
    "papers_invalid": Reason("giấy tờ không hợp lệ hoặc đã hết giá trị", "papers are not valid or no longer valid"),
    "contents_disagree": Reason(
        "nội dung kê khai không khớp với giấy tờ", "what is declared does not agree with the papers"
    ),
    "filed_twice": Reason("hồ sơ cùng nội dung đã được nộp", "a dossier of the same content was filed before"),
}

REASONS: Mapping[str, Mapping[str, Reason]] = {
    "refuse_at_desk": _OF_THE_DOSSIER,
    "refuse": {
        **_OF_THE_DOSSIER,
        "papers_not_submitted": Reason(
            "giấy tờ được yêu cầu bổ sung chưa được nộp", "papers that were asked for were not submitted"
        ),
    },
}
"""Action → code → words (condition `reason_listed`)."""

EVERY_REASON: Mapping[str, Reason] = {code: reason for reasons in REASONS.values() for code, reason in reasons.items()}
"""Code → words, whichever action it was given for: a code means one thing."""
