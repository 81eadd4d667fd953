"""Why a question to the legal clock has no answer: Vietnamese first, English second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from shared.rulebook.calendar import CalendarYearMissing
from shared.rulebook.office_hours import OfficeHoursInvalid
from shared.rulebook.pauses import Unpaired
from shared.rulebook.reckoning import BeforeAcceptance


class _Words(NamedTuple):
    vi: str
    en: str


WORDS: Mapping[str, _Words] = {
    "not_json": _Words("dòng {line}: không phải JSON", "line {line}: not JSON"),
    "not_an_object": _Words("dòng {line}: không phải một đối tượng JSON", "line {line}: not a JSON object"),
    "too_long": _Words("dòng {line}: dài hơn {most} byte", "line {line}: longer than {most} bytes"),
    "missing": _Words("{field}: thiếu", "{field}: missing"),
    "no_object": _Words("{field}: phải là một đối tượng", "{field}: has to be an object"),
    "no_list": _Words("{field}: phải là một danh sách", "{field}: has to be a list"),
    "too_many": _Words("{field}: nhiều nhất {most}", "{field}: at most {most}"),
    "no_such_field": _Words("{field}: không có trường này", "{field}: there is no such field"),
    "no_choice": _Words("{field}: phải là một trong {choices}", "{field}: has to be one of {choices}"),
    "no_amount": _Words(
        "{field}: phải là số nguyên từ 1 đến {most}", "{field}: has to be a whole number from 1 to {most}"
    ),
    "no_hour": _Words("{field}: phải là giờ như 15:00", "{field}: has to be an hour such as 15:00"),
    "no_moment": _Words(
        "{field}: phải là thời điểm ISO 8601 như 2020-03-02T09:00",
        "{field}: has to be an ISO 8601 moment such as 2020-03-02T09:00",
    ),
    "no_limit": _Words(
        "{field}: phải có dạng 5wd, 15cd, 8wh, 30wm, sd, sd@15:00 hoặc none",
        "{field}: has to look like 5wd, 15cd, 8wh, 30wm, sd, sd@15:00 or none",
    ),
    "no_event": _Words(
        "{field}: phải có dạng LOẠI@THỜI_ĐIỂM, như supplement_requested@2020-03-04T10:00",
        "{field}: has to look like TYPE@MOMENT, such as supplement_requested@2020-03-04T10:00",
    ),
    "unknown_agency": _Words("agency: không có cơ quan này", "agency: there is no such agency"),
    "year_missing": _Words("lịch không có năm {year}", "the calendar does not cover the year {year}"),
    "unpaired": _Words(
        "{type} lúc {at}: trước đó thiếu {expected}", "{type} at {at}: there is no {expected} before it"
    ),
    "before_acceptance": _Words(
        "{kind} bắt đầu lúc {at}, trước khi tiếp nhận hồ sơ", "{kind} begins at {at}, before the dossier was accepted"
    ),
    "office_hours.no_mapping": _Words(
        "office_hours: phải là một đối tượng từ ngày đến các buổi", "office_hours: has to map days to sessions"
    ),
    "office_hours.unknown_day": _Words(
        "office_hours: chỉ có mon … sun hoặc ngày như 2020-03-02",
        "office_hours: days are mon … sun or dates such as 2020-03-02",
    ),
    "office_hours.no_sessions": _Words(
        'office_hours, {day}: phải là danh sách các buổi như [["07:30", "12:00"]]',
        'office_hours, {day}: has to be a list of sessions such as [["07:30", "12:00"]]',
    ),
    "office_hours.no_hour": _Words(
        "office_hours, {day}: giờ phải có dạng 07:30, muộn nhất 24:00",
        "office_hours, {day}: hours look like 07:30, the last is 24:00",
    ),
    "office_hours.ends_before": _Words(
        "office_hours, {day}: một buổi kết thúc trước khi bắt đầu",
        "office_hours, {day}: a session ends before it begins",
    ),
    "office_hours.too_many": _Words(
        "office_hours, {day}: có quá nhiều buổi", "office_hours, {day}: there are too many sessions"
    ),
    "office_hours.overlap": _Words(
        "office_hours, {day}: các buổi chồng lên nhau hoặc không theo thứ tự",
        "office_hours, {day}: sessions overlap or are out of order",
    ),
}


class Refusal(ValueError):
    """A question that cannot be answered: a code of the table above and what its words name."""

    def __init__(self, code: str, **named: object) -> None:
        super().__init__(" / ".join(text.format(**named) for text in WORDS[code]))
        self.code = code


REFUSED = (Refusal, CalendarYearMissing, Unpaired, BeforeAcceptance, OfficeHoursInvalid)
"""What is raised where a question has no answer."""


def reason_of(error: Exception) -> str:
    """Why a question has no answer, from one of REFUSED; any other error is raised again."""
    match error:
        case CalendarYearMissing():
            return str(Refusal("year_missing", year=error.year))
        case Unpaired(event=event):
            return str(Refusal("unpaired", type=event.type, at=event.at.isoformat(), expected=error.expected))
        case BeforeAcceptance(pause=pause):
            return str(Refusal("before_acceptance", kind=pause.kind, at=pause.begins.isoformat()))
        case OfficeHoursInvalid():
            return str(Refusal(f"office_hours.{error.fault}", day=error.day))
        case Refusal():
            return str(error)
    raise error
