"""Intake's refusals: the domain's codes as problem documents, with their titles."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from services.intake.domain.acceptance import Refused
from shared.http.languages import Words
from shared.http.problems import FieldError, Problem
from shared.rulebook.calendar import CalendarYearMissing
from shared.rulebook.moves import AVAILABLE, is_action

TITLES: Mapping[str, Words] = {
    "unknown_procedure": Words("Không có thủ tục này", "No such procedure"),
    "procedure_in_force": Words("Thủ tục không có hiệu lực vào ngày này", "The procedure is not in force on this day"),
    "agency_receives": Words("Nơi này không tiếp nhận thủ tục", "This place may not receive the procedure"),
    "papers_complete": Words("Thành phần hồ sơ chưa đầy đủ", "The papers are not complete"),
    "area_unknown": Words("Không có mã địa bàn này", "No such area"),
    "citizen_number_invalid": Words("Số định danh cá nhân không hợp lệ", "The citizen number is not valid"),
    "birth_date_invalid": Words("Ngày sinh không hợp lệ", "The date of birth is not valid"),
    "phone_invalid": Words("Số điện thoại không hợp lệ", "The phone number is not valid"),
    "channel_without_address": Words("Kênh thông báo không có địa chỉ", "A channel has no address"),
}


def as_problem(error: Refused | CalendarYearMissing) -> Problem:
    """Make the problem of a refusal: 422; 409 where the rules in force cannot answer."""
    if isinstance(error, CalendarYearMissing):
        return Problem(HTTPStatus.CONFLICT, "calendar_year_missing", f"Missing: {error.year}.")
    faults = [FieldError(fault.pointer, error.code, fault.message) for fault in error.faults]
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, error.code, "The dossier was not accepted.", faults)


def not_done_here(action: str) -> Problem:
    """Say why an act on a dossier is none of intake's: 404; 409 where this release lacks it."""
    if not is_action(action):
        return Problem(HTTPStatus.NOT_FOUND, "action_unknown", "There is no such act.")
    if action not in AVAILABLE:
        return Problem(HTTPStatus.CONFLICT, "not_yet_available", "This release does not offer the act yet.")
    where = "POST /v1/dossiers accepts a dossier; every other act that this release offers is processing's."
    return Problem(HTTPStatus.NOT_FOUND, "action_unknown", where)
