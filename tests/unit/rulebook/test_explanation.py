"""Explanations add up to the due moment, say why each date does not count, and read the same in both languages."""

from __future__ import annotations

import re
import string
from datetime import date
from typing import Any

import pytest
from hypothesis import given

from shared.contracts.facts import Language
from shared.rulebook.calendar import CalendarYearMissing
from shared.rulebook.days import DayStatus
from shared.rulebook.explanation import Explanation, Line, Verdict, explain
from shared.rulebook.explanation_text import WORDS, explanation_text
from shared.rulebook.limits import WORKING_TIME
from shared.rulebook.sources import SOURCES, told
from tests.unit.rulebook import lines
from tests.unit.rulebook.test_clock_vectors import VECTORS
from tests.unit.rulebook.test_reckoning import LIMITS, calendar_of, often

BY_NAME = {vector["id"]: vector for vector in VECTORS}
EXPLAINED = [vector for vector in LIMITS if "error" not in vector["expected"]]


def explained(line: dict[str, Any]) -> Explanation:
    calendar = calendar_of(line)
    return explain(calendar, lines.reckoned(line, calendar))


def adds_up(found: Explanation) -> None:
    assert found.reaches == found.reckoning.due_at
    for counting in found.countings:
        assert sum(line.counted for line in counting.lines) == counting.total <= found.wanted
        days = [line.shown.day for line in counting.lines]
        assert days == sorted(days)
        if days:
            assert {date.fromordinal(n) for n in range(days[0].toordinal(), days[-1].toordinal() + 1)} == set(days)
    if found.reckoning.due_at is not None:
        assert found.countings[-1].total == found.wanted


@pytest.mark.parametrize("vector", EXPLAINED, ids=[vector["id"] for vector in EXPLAINED])
def test_each_vector_adds_up(vector: dict[str, Any]) -> None:
    adds_up(explained(vector))


@often
@given(lines.lines())
def test_any_explanation_adds_up(line: dict[str, Any]) -> None:
    try:
        found = explained(line)
    except CalendarYearMissing:
        return
    adds_up(found)
    for counting in found.countings:
        assert all(bool(each.pauses) is (each.verdict is Verdict.PAUSED) for each in counting.lines)
        if found.reckoning.limit.kind in WORKING_TIME:
            stretches = [each for each in counting.lines if each.begins and each.ends]
            assert all((s.ends - s.begins).total_seconds() >= s.counted for s in stretches if s.begins and s.ends)


def lines_of(name: str) -> list[Line]:
    return [line for counting in explained(BY_NAME[name]).countings for line in counting.lines]


def test_every_skipped_day_names_its_holiday_and_its_pause() -> None:
    found = {line.shown.day.day: line for line in lines_of("law-20") if line.shown.day.month == 1}
    assert found[16].verdict is Verdict.ACCEPTANCE
    assert found[18].shown.status is DayStatus.WEEKEND
    assert (found[21].verdict, found[21].pauses, found[21].rule) == (Verdict.PAUSED, (1,), "C6")
    assert found[25].shown.name_vi == "Tết Nguyên đán (mùng Một tháng Giêng)"
    assert found[31].verdict is Verdict.COUNTED
    assert found[31].total == 3


def test_a_swap_names_its_dispatch() -> None:
    found = {line.shown.day.day: line.shown.source for line in lines_of("law-7")}
    assert "12729/VPCP-KGVX" in found[2]
    assert "12729/VPCP-KGVX" in found[10]


def test_the_day_that_a_calendar_limit_moves_to_is_no_counted_day() -> None:
    last = lines_of("law-13")[-1]
    assert (last.shown.day, last.verdict, last.total) == (date(2020, 5, 4), Verdict.MOVED_TO, 15)


@pytest.mark.parametrize("unit", ["same_day", "working_day", "calendar_day", "working_hour"])
def test_a_limit_that_ends_at_midnight_ends_with_its_date(unit: str) -> None:
    hours = {day: [["07:00", "24:00"]] for day in ("mon", "tue")}
    line = {"limit": {"unit": unit, "n": 1}, "received": "2020-03-02T23:00:00", "office_hours": hours}
    found = explained(line)
    adds_up(found)
    due_day = found.countings[-1].lines[-1].shown.day
    assert due_day == date(2020, 3, 2 if unit in {"same_day", "working_hour"} else 3)
    assert found.reckoning.due_at == lines.in_zone(f"2020-03-{due_day.day + 1:02}T00:00:00")


def test_the_midnight_that_ends_the_calendar_is_within_it() -> None:
    hours = {"thu": [["07:00", "24:00"]], "fri": [["07:00", "24:00"]]}
    line = {"limit": {"unit": "working_day", "n": 1}, "received": "2027-12-30T09:00:00", "office_hours": hours}
    found = explained(line)
    adds_up(found)
    assert found.reckoning.due_at == lines.in_zone("2028-01-01T00:00:00")


def test_what_a_restarted_run_had_counted_is_given_up() -> None:
    first, second = explained(BY_NAME["law-21"]).countings
    assert (first.total, second.total) == (1, 5)
    assert first.lines[-1].shown.day == date(2020, 3, 10)
    assert second.lines[0].verdict is Verdict.ACCEPTANCE


def test_text_in_both_languages() -> None:
    found = explained(BY_NAME["cut-hours-pause-after"])
    pause = (
        "  1. chờ bổ sung giấy tờ: từ 14:30 thứ Hai 02/03/2020 đến 15:30 thứ Hai 02/03/2020; sau đó thời hạn tính tiếp"
        " (C6, C7); kết thúc sau giờ chốt, nên tính tiếp từ 07:00 thứ Ba 03/03/2020 (C3)"
    )
    assert list(explanation_text(found, Language.VI)) == [
        "Thời hạn: 4 giờ làm việc, giờ chốt 15:00 (C4)",
        "Tiếp nhận: 14:00 thứ Hai 02/03/2020",
        "Các lần tạm dừng:",
        pause,
        "  thứ Hai 02/03/2020 14:00–14:30: tính 30 phút, cộng dồn 30 phút trong 240 phút (C4)",
        "  thứ Hai 02/03/2020 14:30–17:00: không tính, đang tạm dừng (lần 1) (C6)",
        "  thứ Ba 03/03/2020 07:00–10:30: tính 210 phút, cộng dồn 240 phút trong 240 phút (C4)",
        "Hạn trả: 10:30 thứ Ba 03/03/2020",
        "Đã dùng một nửa thời gian: 08:30 thứ Ba 03/03/2020 (C12)",
        "Mở dự thảo xin lỗi (Mẫu 04): 07:00 thứ Ba 03/03/2020 (C12)",
    ]
    assert "Due: 10:30 Tuesday 2020-03-03" in explanation_text(found, Language.EN)


def test_each_source_of_the_seed_is_told_in_both_languages_without_its_notes() -> None:
    noted = {special.source for special in calendar_of({}).content.special_days}
    assert noted == SOURCES.keys()
    for words in SOURCES.values():
        assert not re.search(r"package|read here|found|agrees|knowledge", words.vi + words.en)
        assert set(words.vi) & set("àăảạấầậắằếềệịọốồộớờợủụứừựỳ")
        assert words.vi != words.en


def test_days_off_name_where_they_come_from_and_a_dispatch_as_it_was_signed() -> None:
    vietnamese, english = (explanation_text(explained(BY_NAME["law-5"]), language)[-1] for language in Language)
    assert vietnamese == (
        "  [n1] Thông báo chính thức về nghỉ Tết năm 2020 (23/01–29/01/2020), theo văn bản của một sở cấp tỉnh"
    )
    assert english == "  [n1] The official notice of Tết 2020 (23–29 January), as a provincial department passed it on"
    assert told("Quyết định 12/QĐ-UBND") == ("Quyết định 12/QĐ-UBND", "Quyết định 12/QĐ-UBND")


@pytest.mark.parametrize("vector", EXPLAINED, ids=[vector["id"] for vector in EXPLAINED])
def test_both_languages_say_each_line(vector: dict[str, Any]) -> None:
    found = explained(vector)
    vietnamese, english = (explanation_text(found, language) for language in Language)
    assert len(vietnamese) == len(english)


def test_the_languages_have_the_same_words_and_placeholders() -> None:
    def placeholders(words: dict[str, str]) -> dict[str, set[str | None]]:
        return {name: {field for _, field, _, _ in string.Formatter().parse(text)} for name, text in words.items()}

    assert placeholders(dict(WORDS[Language.VI])) == placeholders(dict(WORDS[Language.EN]))
