"""An explanation as plain text that can be printed, in Vietnamese or in English."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime

from shared.contracts.facts import Language
from shared.rulebook.days import DayShown, DayStatus
from shared.rulebook.explanation import OWN_RULES, Counting, Explanation, Line, Verdict
from shared.rulebook.limits import WORKING_TIME, Limit, LimitKind, appointed
from shared.rulebook.reckoning import Reckoning, Weighed
from shared.rulebook.sources import Source, told

_WEEKDAYS: Mapping[Language, tuple[str, ...]] = {
    Language.VI: ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật"),
    Language.EN: ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_DATE: Mapping[Language, str] = {Language.VI: "%d/%m/%Y", Language.EN: "%Y-%m-%d"}

WORDS: Mapping[Language, Mapping[str, str]] = {
    Language.VI: {
        "limit": "Thời hạn: {limit} ({rule})",
        "none": "Thủ tục không ấn định ngày trả kết quả: không có hạn trả, nên không có gì để quá hạn",
        "same_day": "trong ngày",
        "working_days": "{amount} ngày làm việc",
        "calendar_days": "{amount} ngày",
        "working_hours": "{amount} giờ làm việc",
        "working_minutes": "{amount} phút làm việc",
        "cut_off": "{limit}, giờ chốt {cut_off}",
        "accepted": "Tiếp nhận: {moment}",
        "again": "Tính lại từ đầu (C8), vì giấy tờ cuối cùng đến lúc {moment}",
        "counts_from": "Tính từ {moment}: đến sau giờ chốt hoặc vào ngày không làm việc (C3)",
        "pauses": "Các lần tạm dừng:",
        "pause": "  {number}. {kind}: từ {begins} đến {ends}; {effect}",
        "pause_open": "  {number}. {kind}: từ {begins}; {effect}",
        "supplement": "chờ bổ sung giấy tờ",
        "payment": "chờ thực hiện nghĩa vụ tài chính",
        "posting": "niêm yết, đăng tin",
        "survey": "đo đạc, khảo sát",
        "council": "họp hội đồng",
        "resumes": "sau đó thời hạn tính tiếp (C6, C7)",
        "restarts": "sau đó toàn bộ thời hạn tính lại từ đầu (C8)",
        "open": "chưa kết thúc, nên chưa có hạn trả (C6)",
        "nothing": "bắt đầu khi đã đến hạn, nên không thay đổi gì (C6)",
        "goes_on": "{effect}; kết thúc sau giờ chốt, nên tính tiếp từ {moment} (C3)",
        "line": "  {place}: {verdict} ({rule})",
        "counted": "tính, ngày thứ {total} trong {wanted}",
        "counted_time": "tính {counted}, cộng dồn {total} trong {wanted}",
        "acceptance": "không tính, ngày bắt đầu",
        "after_cut_off": "không tính, đến sau giờ chốt",
        "closed": "không tính, {because}",
        "paused": "không tính, đang tạm dừng vào lúc hết giờ làm việc (lần {pauses})",
        "paused_time": "không tính, đang tạm dừng (lần {pauses})",
        "moved_to": "ngày cuối không phải ngày làm việc, nên chuyển đến ngày này",
        "weekend": "nghỉ hằng tuần",
        "closed_day": "cơ quan không làm việc",
        "special": "{name} [{mark}]",
        "sources": "Nguồn của ngày nghỉ và ngày làm bù:",
        "source": "  [{mark}] {source}",
        "minutes": "{minutes} phút",
        "seconds": "{minutes} phút {seconds} giây",
        "due": "Hạn trả: {moment}",
        "not_appointed": "Không ấn định ngày trả kết quả",
        "half_time": "Đã dùng một nửa thời gian: {moment} (C12)",
        "apology_draft": "Mở dự thảo xin lỗi (Mẫu 04): {moment} (C12)",
        "paused_since": "Tạm dừng từ {moment}: chưa có hạn trả (C6)",
    },
    Language.EN: {
        "limit": "Limit: {limit} ({rule})",
        "none": "There is no appointed day: nothing is due, so nothing can be late",
        "same_day": "the same day",
        "working_days": "{amount} working days",
        "calendar_days": "{amount} calendar days",
        "working_hours": "{amount} working hours",
        "working_minutes": "{amount} working minutes",
        "cut_off": "{limit}, cut-off {cut_off}",
        "accepted": "Accepted: {moment}",
        "again": "Counted anew (C8), since the last paper arrived at {moment}",
        "counts_from": "Counted from {moment}: it came after the cut-off or on a day that is not worked (C3)",
        "pauses": "Pauses:",
        "pause": "  {number}. {kind}: from {begins} to {ends}; {effect}",
        "pause_open": "  {number}. {kind}: from {begins}; {effect}",
        "supplement": "waiting for papers",
        "payment": "waiting for payment",
        "posting": "posting",
        "survey": "survey",
        "council": "council",
        "resumes": "then the limit goes on (C6, C7)",
        "restarts": "then the whole limit runs again (C8)",
        "open": "not over, so there is no due moment (C6)",
        "nothing": "began at or after the due moment, so it changes nothing (C6)",
        "goes_on": "{effect}; it ended after the cut-off, so from {moment} (C3)",
        "line": "  {place}: {verdict} ({rule})",
        "counted": "counted, day {total} of {wanted}",
        "counted_time": "counted {counted}, together {total} of {wanted}",
        "acceptance": "not counted, the day on which it begins",
        "after_cut_off": "not counted, it came after the cut-off",
        "closed": "not counted, {because}",
        "paused": "not counted, paused at the day's close (pause {pauses})",
        "paused_time": "not counted, paused (pause {pauses})",
        "moved_to": "the last day is no working day, so it moves to this one",
        "weekend": "weekend",
        "closed_day": "the agency does not work",
        "special": "{name} [{mark}]",
        "sources": "Sources of days off and worked Saturdays:",
        "source": "  [{mark}] {source}",
        "minutes": "{minutes} min",
        "seconds": "{minutes} min {seconds} s",
        "due": "Due: {moment}",
        "not_appointed": "No day is appointed",
        "half_time": "Half of the time is used: {moment} (C12)",
        "apology_draft": "The draft of an apology (form 04) opens: {moment} (C12)",
        "paused_since": "Paused since {moment}: there is no due moment (C6)",
    },
}
"""Every text of an explanation; a test holds the two languages to the same names and placeholders."""


def explanation_text(explanation: Explanation, language: Language) -> tuple[str, ...]:
    """The lines of the text, in one language."""
    return tuple(_Text(explanation, language).lines())


def date_text(day: date, language: Language) -> str:
    """A date with its day of the week."""
    return f"{_WEEKDAYS[language][day.weekday()]} {day:{_DATE[language]}}"


def result_text(found: Reckoning, language: Language) -> tuple[str, ...]:
    """The moments alone, or since when there are none, or that none is appointed, in one language."""
    if found.due_at is not None and not appointed(found.due_at):
        return (WORDS[language]["not_appointed"],)
    moments = {
        "due": found.due_at,
        "half_time": found.half_time_at,
        "apology_draft": found.apology_draft_at,
        "paused_since": found.paused_since,
    }
    return tuple(
        WORDS[language][name].format(moment=moment_text(moment, language))
        for name, moment in moments.items()
        if moment is not None
    )


class _Text:
    def __init__(self, explanation: Explanation, language: Language) -> None:
        self._explanation = explanation
        self._language = language
        self._in_time = explanation.reckoning.limit.kind in WORKING_TIME
        self._marks: dict[Source, str] = {}

    def lines(self) -> Iterator[str]:
        found = self._explanation.reckoning
        if found.limit.kind is LimitKind.NONE:
            yield self._say("none")
        else:
            yield self._say("limit", limit=self._limit(found.limit), rule=OWN_RULES[found.limit.kind])
        yield self._say("accepted", moment=self._moment(found.accepted_at))
        if found.pauses:
            yield self._say("pauses")
        for number, weighed in enumerate(found.pauses, 1):
            yield self._pause(number, weighed)
        for number, counting in enumerate(self._explanation.countings):
            yield from self._counting(counting, again=number > 0)
        yield from result_text(found, self._language)
        if self._marks:
            yield self._say("sources")
        for source, mark in self._marks.items():
            yield self._say("source", mark=mark, source=self._either(source.vi, source.en))

    def _counting(self, counting: Counting, *, again: bool) -> Iterator[str]:
        if again:
            yield self._say("again", moment=self._moment(counting.run.begins))
        if counting.run.counts_from != counting.run.begins:
            yield self._say("counts_from", moment=self._moment(counting.run.counts_from))
        yield from map(self._line, counting.lines)

    def _line(self, line: Line) -> str:
        place = date_text(line.shown.day, self._language)
        if line.begins and line.ends:
            place += f" {_hour(line.begins)}–{_hour(line.ends)}"
        timed = "_time" if self._in_time and line.verdict in (Verdict.COUNTED, Verdict.PAUSED) else ""
        verdict = self._say(
            f"{line.verdict}{timed}",
            counted=self._amount(line.counted),
            total=self._amount(line.total),
            wanted=self._amount(self._explanation.wanted),
            pauses=", ".join(map(str, line.pauses)),
            because=self._because(line.shown),
        )
        if line.shown.status is DayStatus.WORKED_SATURDAY:
            verdict += f"; {self._because(line.shown)}"
        return self._say("line", place=place, verdict=verdict, rule=line.rule)

    def _because(self, shown: DayShown) -> str:
        name = self._either(shown.name_vi, shown.name_en)
        if shown.source:
            mark = self._marks.setdefault(told(shown.source), f"n{len(self._marks) + 1}")
            return self._say("special", name=name, mark=mark)
        return name or self._say("weekend" if shown.status is DayStatus.WEEKEND else "closed_day")

    def _pause(self, number: int, weighed: Weighed) -> str:
        pause, effect = weighed.pause, self._say(weighed.effect)
        if weighed.goes_on_at is not None and weighed.goes_on_at != pause.ends:
            effect = self._say("goes_on", effect=effect, moment=self._moment(weighed.goes_on_at))
        values = {"kind": self._say(pause.kind), "begins": self._moment(pause.begins), "effect": effect}
        if pause.ends is None:
            return self._say("pause_open", number=number, **values)
        return self._say("pause", number=number, ends=self._moment(pause.ends), **values)

    def _limit(self, limit: Limit) -> str:
        text = self._say(limit.kind, amount=limit.amount)
        return text if limit.cut_off is None else self._say("cut_off", limit=text, cut_off=f"{limit.cut_off:%H:%M}")

    def _amount(self, counted: int) -> str:
        if not self._in_time:
            return str(counted)
        minutes, seconds = divmod(counted, 60)
        return self._say("seconds" if seconds else "minutes", minutes=minutes, seconds=seconds)

    def _moment(self, moment: datetime) -> str:
        return moment_text(moment, self._language)

    def _either(self, vi: str, en: str) -> str:
        return en if self._language is Language.EN else vi

    def _say(self, name: str, /, **values: object) -> str:
        return WORDS[self._language][name].format(**values)


def moment_text(moment: datetime, language: Language) -> str:
    """A moment of the legal zone: its time of day, and its date with its day of the week."""
    return f"{_hour(moment)} {date_text(moment.date(), language)}"


def _hour(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"
