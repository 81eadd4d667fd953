"""Titles of processing's own problem codes, and how refusals become problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

from services.processing.domain.refusals import (
    ActInvalid,
    ConditionNotMet,
    IllegalMove,
    NotAllowed,
    Refusal,
    StaleVersion,
    UnknownAction,
    UnknownCase,
    UnknownEntry,
)
from shared.http.etags import etag
from shared.http.languages import Words
from shared.http.problems import Problem
from shared.http.sentences import in_both
from shared.http.states import STATES
from shared.rulebook.calendar import CalendarYearMissing

TITLES: Mapping[str, Words] = {
    "dossier_unknown": Words("Không tìm thấy hồ sơ", "No such dossier"),
    "illegal_move": Words("Trạng thái hồ sơ không cho phép", "The dossier's state does not allow that"),
    "officer_of_first_open_step": Words(
        "Cán bộ được phân công không thuộc cơ quan của bước đầu tiên",
        "The officer is not of a first open step's agency",
    ),
    "step_open_here": Words("Không có bước nào đang mở cho bạn", "No step is open for you here"),
    "step_not_taken": Words("Bước này đã có người nhận", "Somebody holds the step already"),
    "holder_of_step": Words("Bạn không giữ bước này", "You do not hold the step"),
    "step_is_work": Words("Bước này không phải bước xử lý", "The step is not completed by forwarding"),
    "step_is_sign": Words("Chưa đến bước ký", "The step is not the signature"),
    "not_paused": Words("Hồ sơ đang tạm dừng", "The dossier is paused"),
    "signed": Words("Kết quả chưa được ký", "The result is not signed"),
    "numbered": Words("Kết quả chưa có số", "The result has no number"),
    "not_numbered": Words("Kết quả đã có số", "The result has a number already"),
    "only_hand_over_left": Words("Còn bước chưa hoàn thành", "Other steps are not complete"),
    "draft_open": Words("Chưa có dự thảo xin lỗi", "No draft of an apology is open"),
    "no_apology_before": Words("Hồ sơ đã được xin lỗi và hẹn lại một lần", "The dossier was re-appointed before"),
    "receiver_named": Words("Chưa nêu người nhận và cách trả", "Who receives the result, and how, is not given"),
    "not_signed": Words("Kết quả đã được ký", "The result is signed"),
    "reason_listed": Words("Chưa nêu lý do theo danh mục", "No reason of the list is given"),
    "step_was_completed": Words("Bước muốn trả lại chưa hoàn thành", "The step to go back to was not completed"),
    "previous_holder": Words("Bạn không phải người làm bước trước", "You did not complete the step before"),
    "next_step_not_taken": Words("Bước sau đã có người nhận", "Somebody has taken the next step"),
    "officer_of_same_agency": Words(
        "Cán bộ được phân công không thuộc cơ quan của bước này", "The officer is not of the step's agency"
    ),
    "asked_agency": Words("Cơ quan của bạn không có câu hỏi chờ trả lời", "No question waits for your agency"),
    "asked_agency_invalid": Words("Cơ quan được hỏi không hợp lệ", "The agency asked is not valid"),
    "first_request": Words("Hồ sơ đã được yêu cầu bổ sung một lần", "Papers were asked for before"),
    "not_first_request": Words("Hồ sơ chưa được yêu cầu bổ sung lần nào", "No papers were asked for before"),
    "papers_of_pinned_list": Words(
        "Chưa nêu giấy tờ thuộc thành phần hồ sơ", "No papers of the dossier's own list are named"
    ),
    "supplement_proposed": Words("Không có đề xuất yêu cầu bổ sung đang chờ", "No proposal to ask again is waiting"),
    "everything_arrived": Words("Giấy tờ yêu cầu bổ sung chưa đủ", "Not every paper asked for has arrived"),
    "policy_resume": Words(
        "Thủ tục tính lại thời hạn từ đầu sau khi bổ sung", "The procedure starts its limit again after a supplement"
    ),
    "policy_restart": Words(
        "Thủ tục tính tiếp thời hạn sau khi bổ sung", "The procedure's limit goes on after a supplement"
    ),
    "came_from_2": Words("Yêu cầu bổ sung không được đưa ra lúc mới tiếp nhận", "Papers were not asked for in state 2"),
    "came_from_4": Words("Yêu cầu bổ sung không được đưa ra lúc đang xử lý", "Papers were not asked for in state 4"),
    "supplement_limit_passed": Words("Chưa hết hạn bổ sung giấy tờ", "The time to bring papers has not passed"),
    "not_everything_arrived_in_time": Words(
        "Giấy tờ đã được bổ sung đủ trong thời hạn", "Everything had arrived within its time"
    ),
    "payment_limit_passed": Words("Chưa hết hạn nộp tiền", "The time to pay has not passed"),
    "paid_in_full": Words("Số tiền đã nộp chưa đủ", "The amount demanded has not been paid in full"),
    "not_paid": Words("Số tiền yêu cầu đã được nộp đủ", "The amount demanded has been paid"),
    "paused_by_period": Words("Thời hạn không tạm dừng", "The clock is not paused"),
    "period_of_open_step": Words(
        "Bước đang mở không phải khoảng thời gian được nêu", "The open step is not the period that is named"
    ),
    "withdrawal_requested": Words("Người nộp chưa yêu cầu rút hồ sơ", "The applicant has not asked to withdraw"),
    "no_step_completed": Words("Đã có bước hoàn thành sau khi tiếp nhận", "A step after acceptance is complete"),
    "some_step_completed": Words("Chưa có bước nào hoàn thành", "No step after acceptance is complete"),
    "other_commune_invalid": Words("Xã được hỏi không hợp lệ", "The other commune is not valid"),
    "deadline_differs": Words(
        "Hạn trả đang lưu không khớp với giải trình, hệ thống đã báo cho người vận hành",
        "The due moment that is stored is not what its explanation adds up to; the operators were told",
    ),
    "named_officer_revoked": Words(
        "Cán bộ được phân công đã bị thu hồi quyền", "The officer whom the act names is revoked"
    ),
    "named_officer_not_seated": Words(
        "Cán bộ được phân công không giữ vị trí của bước này vào hôm nay",
        "The officer whom the act names does not hold the step's seat today",
    ),
    "entry_unknown": Words("Không có mục này trong sổ cán bộ", "The register has no such entry"),
    "reappointed_to_invalid": Words("Ngày hẹn lại không hợp lệ", "The new appointment is not valid"),
}

ACTS: Mapping[str, Words] = {
    "assign": Words("phân công", "assign"),
    "take": Words("nhận việc", "take"),
    "forward": Words("chuyển bước", "forward"),
    "sign": Words("ký kết quả", "sign"),
    "number": Words("vào sổ, lấy số", "number"),
    "finish": Words("xác nhận có kết quả", "finish"),
    "hand_over": Words("trả kết quả", "hand over"),
    "send_apology": Words("gửi thư xin lỗi, hẹn lại", "send the apology"),
    "return_step": Words("trả lại bước trước", "return to an earlier step"),
    "recall": Words("rút lại bước vừa chuyển", "recall the step just completed"),
    "reassign": Words("phân công lại", "reassign"),
    "ask_agency": Words("hỏi ý kiến cơ quan khác", "ask another agency"),
    "answer_agency": Words("trả lời cơ quan hỏi", "answer the agency that asks"),
    "void_signature": Words("hủy chữ ký", "void the signature"),
    "reopen": Words("mở lại hồ sơ", "reopen"),
    "correct_result": Words("đính chính kết quả", "correct the result"),
    "request_supplement": Words("yêu cầu bổ sung giấy tờ", "ask for papers"),
    "propose_supplement": Words("đề xuất yêu cầu bổ sung lần nữa", "propose to ask for papers again"),
    "approve_supplement": Words("duyệt yêu cầu bổ sung lần nữa", "approve asking for papers again"),
    "receive_supplement": Words("xác nhận đã đủ giấy tờ bổ sung", "confirm that all papers have come"),
    "refuse_after_limit": Words("từ chối vì hết hạn bổ sung", "refuse after the time for papers"),
    "demand_payment": Words("yêu cầu nộp nghĩa vụ tài chính", "demand payment"),
    "record_payment": Words("ghi nhận đã nộp tiền", "record the payment"),
    "stop_unpaid": Words("dừng giải quyết vì chưa nộp tiền", "stop for lack of payment"),
    "pause": Words("tạm dừng tính thời hạn", "pause the clock"),
    "resume": Words("tiếp tục tính thời hạn", "let the clock go on"),
    "withdraw": Words("xác nhận rút hồ sơ", "confirm the withdrawal"),
    "stop": Words("dừng giải quyết theo yêu cầu rút", "stop as the applicant asked"),
}
"""Action → what clerks call it."""

_STATUS: Mapping[type[Refusal], HTTPStatus] = {
    UnknownCase: HTTPStatus.NOT_FOUND,
    UnknownEntry: HTTPStatus.NOT_FOUND,
    UnknownAction: HTTPStatus.NOT_FOUND,
    NotAllowed: HTTPStatus.FORBIDDEN,
    IllegalMove: HTTPStatus.CONFLICT,
    ConditionNotMet: HTTPStatus.CONFLICT,
    StaleVersion: HTTPStatus.PRECONDITION_FAILED,
    ActInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
}


@contextmanager
def refusals_told() -> Iterator[None]:
    """Raise a refusal as the problem that the caller gets."""
    try:
        yield
    except Refusal as refusal:
        raise as_problem(refusal) from refusal


def as_problem(error: Refusal | CalendarYearMissing) -> Problem:
    """Say a refusal of the domain, or a year that the calendar lacks, as the problem that the caller gets."""
    if isinstance(error, CalendarYearMissing):
        missing = Words(f"Lịch làm việc thiếu năm {error.year}.", f"Missing: {error.year}.")
        return Problem(HTTPStatus.CONFLICT, "calendar_year_missing", missing)
    headers = {"ETag": etag(error.current)} if isinstance(error, StaleVersion) else {}
    return Problem(_STATUS[type(error)], error.code, _detail(error), headers=headers, also=_also(error))


def _detail(refusal: Refusal) -> str | Words:
    """Say beside the reason, which the title names, the dossier's state and what the caller can do instead."""
    if refusal.state is None:
        return refusal.detail
    acts = [ACTS[action] for action in refusal.possible]
    state, number = STATES[refusal.state], int(refusal.state)
    can_vi = ", ".join(act.vi for act in acts) or "chưa có việc nào"
    can_en = ", ".join(act.en for act in acts) or "nothing"
    said = in_both(refusal.detail)
    return Words(
        f"{said.vi} Hồ sơ ở trạng thái {number} ({state.vi}). Bạn có thể làm: {can_vi}.".lstrip(),
        f"{said.en} The dossier is in state {number} ({state.en}). You can do: {can_en}.".lstrip(),
    )


def _also(refusal: Refusal) -> Mapping[str, object]:
    """Say the same to programs."""
    return {} if refusal.state is None else {"state": int(refusal.state), "possible": list(refusal.possible)}
