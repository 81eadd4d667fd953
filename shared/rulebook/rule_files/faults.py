"""What may be wrong with a file that changes the rules, by line: the reason and the remedy, Vietnamese first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple


class Words(NamedTuple):
    """A sentence in both languages."""

    vi: str
    en: str


class Wrong(NamedTuple):
    """Why a line cannot be used, and what to write instead."""

    reason: Words
    remedy: Words


def _wrong(reason_vi: str, reason_en: str, remedy_vi: str, remedy_en: str) -> Wrong:
    return Wrong(Words(reason_vi, reason_en), Words(remedy_vi, remedy_en))


_FORM: Mapping[str, Wrong] = {
    "not_csv": _wrong(
        "không đọc được dưới dạng CSV ({what})",
        "is not CSV ({what})",
        "đóng mọi dấu ngoặc kép và lưu lại dưới dạng CSV UTF-8",
        "close every quotation mark and save it as CSV, UTF-8",
    ),
    "empty": _wrong(
        "không có dòng dữ liệu nào",
        "there is no line of data",
        "ghi ít nhất một dòng dưới dòng tiêu đề",
        "write at least one line below the header",
    ),
    "column_unknown": _wrong(
        "tiêu đề có cột lạ {column}", "the header has an unknown column {column}", "chỉ dùng {columns}", "use {columns}"
    ),
    "column_missing": _wrong(
        "tiêu đề thiếu cột {column}", "the header lacks the column {column}", "thêm cột đó", "add the column"
    ),
    "column_twice": _wrong(
        "tiêu đề có hai cột {column}", "the header has the column {column} twice", "bỏ bớt một cột", "remove one"
    ),
    "cells": _wrong(
        "có {found} ô, tiêu đề có {wanted}",
        "has {found} cells where the header has {wanted}",
        "đặt nội dung có dấu phẩy trong ngoặc kép, bỏ ô thừa",
        "put texts with commas into quotation marks, remove cells that are too many",
    ),
    "missing": _wrong(
        "thiếu {column}", "{column} is missing", "điền {column}, chẳng hạn {example}", "fill it, such as {example}"
    ),
    "not_here": _wrong(
        "loại {kind} không dùng {column}", "{kind} takes no {column}", "để trống ô đó", "leave that cell empty"
    ),
    "choice": _wrong(
        "{column}: không có giá trị {value}",
        "{column}: there is no {value}",
        "dùng một trong {choices}",
        "use {choices}",
    ),
    "twice": _wrong(
        "{what} đã có ở dòng {line}", "{what} stands in line {line} already", "giữ lại một dòng", "keep one of the two"
    ),
    "changes_nothing": _wrong(
        "không thay đổi gì so với phiên bản {version}",
        "changes nothing of version {version}",
        "không cần áp dụng: nội dung đã có hiệu lực",
        "there is nothing to apply: it is in force already",
    ),
}

_DAYS: Mapping[str, Wrong] = {
    "no_date": _wrong(
        "{column}: {value} không phải là ngày",
        "{column}: {value} is no date",
        "viết như 2020-03-13",
        "write 2020-03-13",
    ),
    "begun": _wrong(
        "ngày {day} đã qua hoặc đã bắt đầu: lịch của ngày đó giữ nguyên (C14)",
        "{day} is over or has begun: its calendar stays (C14)",
        "chỉ ghi ngày từ {next} trở đi",
        "name days from {next} on",
    ),
    "year": _wrong(
        "lịch không có năm {year}",
        "the calendar does not cover the year {year}",
        "chỉ ghi ngày của các năm {first} đến {last}",
        "name days of {first} to {last}",
    ),
    "range": _wrong(
        "to: {value} không nằm trong 366 ngày kể từ date",
        "to: {value} does not lie within 366 days from the date on",
        "ghi ngày cuối từ date trở đi, trong vòng 366 ngày",
        "write the last day of the range, the date itself or later",
    ),
    "weekdays_alone": _wrong(
        "weekdays chỉ dùng khi có to",
        "weekdays go with a range",
        "điền to hoặc để trống weekdays",
        "fill to, or leave it",
    ),
    "no_agency": _wrong(
        "không có cơ quan {value}",
        "there is no agency {value}",
        "ghi mã cơ quan như H56.97.21, hoặc để trống cho mọi cơ quan",
        "write a code such as H56.97.21, or leave it empty for every agency",
    ),
    "no_such_office": _wrong(
        "ngày {day} không có cơ quan {value}",
        "there is no agency {value} on {day}",
        "tách dòng theo ngày cơ quan còn hoạt động; từ ngày sau đó ghi cơ quan kế tục ({successor})",
        "end the line with the agency's last day, and name its successor from then on ({successor})",
    ),
    "no_hours": _wrong(
        "hours: {value} không phải là giờ làm việc",
        "hours: {value} are no office hours",
        "viết như 07:00-11:30 13:30-17:00, lần lượt và không chồng nhau, hoặc closed",
        "write 07:00-11:30 13:30-17:00, in order and apart, or closed",
    ),
    "no_saturday": _wrong(
        "ngày {day} không phải thứ Bảy", "{day} is no Saturday", "ghi ngày thứ Bảy làm bù", "name the Saturday"
    ),
    "weekend": _wrong(
        "ngày {day} là ngày cuối tuần", "{day} is a weekend day", "bỏ ngày này: đã là ngày nghỉ", "remove it: it is off"
    ),
    "not_replaced": _wrong(
        "ngày {day} không phải là ngày nghỉ để làm bù",
        "{day} is no day off that could be made up for",
        "thêm dòng swap_off cho ngày đó hoặc để trống replaces",
        "add a line swap_off for it, or leave replaces empty",
    ),
}

_CASES: Mapping[str, Wrong] = {
    "no_case": _wrong(
        "danh mục không có {procedure} {case}",
        "the catalogue has no {procedure} {case}",
        "ghi mã thủ tục và mã trường hợp của danh mục, hoặc thêm dòng copy_of trước",
        "name a procedure and case of the catalogue, or write a line copy_of before",
    ),
    "case_exists": _wrong(
        "danh mục đã có {procedure} {case}",
        "the catalogue has {procedure} {case} already",
        "đặt mã trường hợp mới",
        "give the new case another code",
    ),
    "no_value": _wrong(
        "{field}: không nhận giá trị {value} ({what})",
        "{field}: {value} cannot be ({what})",
        "ghi giá trị đúng loại của {field}",
        "write a value of its kind",
    ),
    "past": _wrong(
        "ngày {day} đã qua", "{day} has passed", "ghi ngày từ {today} trở đi", "name {today} or a later day"
    ),
    "before_pending": _wrong(
        "ngày {day} trước ngày {pending} của {version} đã công bố",
        "{day} lies before {pending}, from which {version}, published already, is in force",
        "ghi ngày từ {pending} trở đi",
        "name that day or a later one",
    ),
    "limits": _wrong(
        "{procedure} {case}: thời hạn không hợp lệ ({what})",
        "{procedure} {case}: the limits cannot be ({what})",
        "thời hạn cam kết từ 1 đến bằng thời hạn luật định, nộp trực tuyến cũng vậy; same_day, none thì để trống",
        "promise at least 1, at most the statutory limit, online too; same_day and none have neither; none no cut-off",
    ),
    "dates": _wrong(
        "{procedure} {case}: ngày hết hiệu lực trước ngày có hiệu lực",
        "{procedure} {case}: it ends before it begins",
        "sửa effective_from hoặc effective_to",
        "mend effective_from or effective_to",
    ),
}

WRONG: Mapping[str, Wrong] = {**_FORM, **_DAYS, **_CASES}
"""Every code of a fault with its words."""


@dataclass(frozen=True, slots=True, order=True)
class LineFault:
    """What is wrong at a line, counted from 1; line 0 is the file as a whole."""

    line: int
    code: str
    named: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, line: int, code: str, /, **named: object) -> LineFault:
        """Name the fault of a line with what its words name."""
        return cls(line, code, tuple((name, str(value)) for name, value in named.items()))

    @property
    def reason(self) -> Words:
        """Why the line cannot be used."""
        return self._said(WRONG[self.code].reason)

    @property
    def remedy(self) -> Words:
        """What to write instead."""
        return self._said(WRONG[self.code].remedy)

    def _said(self, words: Words) -> Words:
        named = dict(self.named)
        return Words(words.vi.format(**named), words.en.format(**named))


class RuleFileFaulty(ValueError):
    """A file that changes the rules cannot be used; `faults` are all that was found, by line."""

    def __init__(self, faults: Iterable[LineFault]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("; ".join(f"line {fault.line}: {fault.reason.en}" for fault in self.faults))
