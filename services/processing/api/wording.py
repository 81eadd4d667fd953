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
)
from shared.http.etags import etag
from shared.http.languages import Words
from shared.http.problems import Problem
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
    "other_commune_invalid": Words("Xã được hỏi không hợp lệ", "The other commune is not valid"),
    "reappointed_to_invalid": Words("Ngày hẹn lại không hợp lệ", "The new appointment is not valid"),
}

_STATUS: Mapping[type[Refusal], HTTPStatus] = {
    UnknownCase: HTTPStatus.NOT_FOUND,
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
        return Problem(HTTPStatus.CONFLICT, "calendar_year_missing", f"Missing: {error.year}.")
    headers = {"ETag": etag(error.current)} if isinstance(error, StaleVersion) else {}
    return Problem(_STATUS[type(error)], error.code, error.detail, headers=headers)
