"""Intake's refusals: the domain's codes as problem documents, with their titles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

from services.intake.domain.refusals import (
    ConditionNotMet,
    IllegalMove,
    NotAllowed,
    Refused,
    StaleVersion,
    UnknownAction,
    UnknownDossier,
)
from shared.http.etags import etag
from shared.http.languages import Words
from shared.http.problems import FieldError, Problem
from shared.http.sentences import in_both
from shared.http.states import STATES
from shared.rulebook.calendar import CalendarYearMissing

TITLES: Mapping[str, Words] = {
    "unknown_procedure": Words("Không có thủ tục này", "No such procedure"),
    "procedure_in_force": Words("Thủ tục không có hiệu lực vào ngày này", "The procedure is not in force on this day"),
    "agency_receives": Words("Nơi này không tiếp nhận thủ tục", "This place may not receive the procedure"),
    "online_offered": Words("Thủ tục không nhận hồ sơ trực tuyến", "The procedure is not open to online filing"),
    "papers_complete": Words("Thành phần hồ sơ chưa đầy đủ", "The papers are not complete"),
    "papers_of_pinned_list": Words(
        "Giấy tờ không có trong thành phần hồ sơ", "The papers named are not those of the procedure's list"
    ),
    "papers_were_asked": Words("Không có giấy tờ này đang chờ bổ sung", "No such papers are asked for and missing"),
    "not_requested_before": Words("Đã có yêu cầu rút hồ sơ", "A withdrawal was asked for before"),
    "reason_listed": Words("Chưa nêu lý do theo danh mục", "No reason of the list is given"),
    "dossier_unknown": Words("Không tìm thấy hồ sơ", "No such dossier"),
    "illegal_move": Words("Trạng thái hồ sơ không cho phép", "The dossier's state does not allow that"),
    "area_unknown": Words("Không có mã địa bàn này", "No such area"),
    "citizen_number_invalid": Words("Số định danh cá nhân không hợp lệ", "The citizen number is not valid"),
    "birth_date_invalid": Words("Ngày sinh không hợp lệ", "The date of birth is not valid"),
    "phone_invalid": Words("Số điện thoại không hợp lệ", "The phone number is not valid"),
    "province_signs": Words("Chỉ lãnh đạo cấp tỉnh được ký ban hành", "Only a leader of the province signs rules off"),
    "rules_changed": Words("Quy định hiện hành đã thay đổi", "The rules in force have changed"),
    "rules_differ": Words("Nội dung khác với bản đã lập kế hoạch", "The file is not the one that was planned"),
    "rule_file_faulty": Words("Tệp thay đổi quy định có dòng sai", "The file that changes the rules has faulty lines"),
    "backdating_not_earlier": Words(
        "Thời điểm tiếp nhận không sớm hơn lúc ghi nhận: không cần lùi, hồ sơ tính từ bây giờ",
        "The moment of receipt is not earlier than the record: leave it out, and the dossier counts from now",
    ),
    "backdating_too_far": Words(
        "Thời điểm tiếp nhận lùi quá 3 ngày làm việc: hãy tiếp nhận theo thời điểm hiện tại",
        "The moment of receipt lies more than 3 working days back: accept the dossier as of now",
    ),
    "backdating_not_approved": Words(
        "Lãnh đạo chưa phê duyệt lùi thời điểm tiếp nhận như đã nêu: hãy đề nghị lãnh đạo phê duyệt kèm bằng chứng",
        "No leader has approved that moment of receipt as it is named: ask for an approval, with evidence",
    ),
    "backdating_used": Words(
        "Phê duyệt này đã dùng cho một hồ sơ khác: mỗi phê duyệt chỉ dùng một lần",
        "The approval was used for another dossier: each is used once",
    ),
    "channel_without_address": Words("Kênh thông báo không có địa chỉ", "A channel has no address"),
}


ACTS: Mapping[str, Words] = {
    "ask_papers": Words("yêu cầu bổ sung giấy tờ", "ask for papers"),
    "submit_papers": Words("nộp giấy tờ được yêu cầu", "submit the papers asked for"),
    "accept": Words("tiếp nhận", "accept"),
    "refuse": Words("từ chối tiếp nhận", "refuse"),
    "withdraw": Words("rút hồ sơ", "withdraw"),
    "request_withdrawal": Words("yêu cầu rút hồ sơ", "ask to withdraw"),
}
"""Action → what clerks and citizens call it."""

_STATUS: Mapping[type[Refused], HTTPStatus] = {
    Refused: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnknownDossier: HTTPStatus.NOT_FOUND,
    UnknownAction: HTTPStatus.NOT_FOUND,
    NotAllowed: HTTPStatus.FORBIDDEN,
    IllegalMove: HTTPStatus.CONFLICT,
    ConditionNotMet: HTTPStatus.CONFLICT,
    StaleVersion: HTTPStatus.PRECONDITION_FAILED,
}
"""What is wrong with a filing is 422; what stands in the way of an act on a dossier has its own status."""


def as_problem(error: Refused | CalendarYearMissing) -> Problem:
    """Make the problem of a refusal; 409 where the rules in force cannot answer."""
    if isinstance(error, CalendarYearMissing):
        missing = Words(f"Lịch làm việc thiếu năm {error.year}.", f"Missing: {error.year}.")
        return Problem(HTTPStatus.CONFLICT, "calendar_year_missing", missing)
    faults = [FieldError(fault.pointer, error.code, in_both(fault.message, fault.values)) for fault in error.faults]
    headers = {"ETag": etag(error.current)} if isinstance(error, StaleVersion) else {}
    also = {} if error.state is None else {"state": error.state, "possible": error.possible}
    return Problem(_STATUS[type(error)], error.code, _detail(error), faults, headers=headers, also=also)


def _detail(refused: Refused) -> str | Words:
    """Say beside the reason, which the title names, the dossier's state and what the caller can do instead."""
    if refused.state is None:
        return refused.detail
    state, acts = STATES[refused.state], [ACTS[action] for action in refused.possible]
    vi, en = ", ".join(act.vi for act in acts), ", ".join(act.en for act in acts)
    said, number = in_both(refused.detail), int(refused.state)
    return Words(
        f"{said.vi} Hồ sơ ở trạng thái {number} ({state.vi}). Bạn có thể: {vi or 'chưa có việc nào'}.".lstrip(),
        f"{said.en} The dossier is in state {number} ({state.en}). You may: {en or 'nothing here'}.".lstrip(),
    )


@contextmanager
def refusals_told() -> Iterator[None]:
    """Raise a refusal as the problem that the caller gets."""
    try:
        yield
    except Refused as refused:
        raise as_problem(refused) from refused
