"""Why a dossier is due when it is, as plain text that can be printed, in Vietnamese or in English."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from services.processing.api.deadline_views import BackdatingTold, DeadlineView, PauseTold
from services.processing.api.named import Named
from services.processing.api.step_views import LatenessTold, StepTimed
from services.processing.domain.deadlines import Deadline, Explained
from shared.contracts.facts import Language
from shared.rulebook.explanation_text import WORDS as OF_LIMITS
from shared.rulebook.explanation_text import explanation_text, moment_text

WORDS: Mapping[Language, Mapping[str, str]] = {
    Language.VI: {
        "title": "GIẢI TRÌNH THỜI HẠN GIẢI QUYẾT HỒ SƠ {code}",
        "procedure": "Thủ tục: {name} ({code})",
        "case": "Trường hợp: {name}",
        "received": "Tiếp nhận: {moment}, {agency}",
        "backdated": "LÙI THỜI ĐIỂM TIẾP NHẬN (C14): ghi nhận lúc {moment}, bằng chứng: {evidence}",
        "approved": "   Lãnh đạo phê duyệt: {agency}",
        "approved_by": "   Lãnh đạo phê duyệt: {officer}, {agency}",
        "pauses": "CÁC LẦN TẠM DỪNG",
        "pause": "{number}. {kind}: từ {begins} đến {ends}",
        "pause_open": "{number}. {kind}: từ {begins}, chưa kết thúc",
        "agency": "   Cơ quan tạm dừng: {agency}",
        "officer": "   Cán bộ tạm dừng: {officer}",
        "papers": "   Giấy tờ phải bổ sung: {papers}",
        "amount": "   Số tiền phải nộp: {amount} đồng",
        "step": "   Bước: {step}",
        "basis": "   Căn cứ: {basis}",
        "limit_at": "   Hạn của người nộp: {moment}",
        "limit_moved": "   Hạn báo lúc đầu: {moment}; được dời do đổi lịch làm việc ({version})",
        "ended_by": "   Cán bộ xác nhận kết thúc: {officer}",
        "promised": "THỜI HẠN ĐÃ HẸN (căn cứ đánh giá đúng hạn hay quá hạn)",
        "statutory": "THỜI HẠN THEO QUY ĐỊNH",
        "online": "Thời hạn riêng của hồ sơ nộp trực tuyến",
        "calendar": "Lịch làm việc: {version}",
        "kept": "   Lịch đã thay đổi ({version}); ngày đã báo không sớm hơn ngày tính theo lịch mới, nên giữ nguyên",
        "steps": "THỜI GIAN TỪNG BƯỚC, theo giờ làm việc của mỗi cơ quan (C10)",
        "step_time": "{number}. {step}, {agency}: {used} trên {allowance}",
        "step_over": "{text}; vượt {overrun}",
        "step_runs_out": "{text}; hết thời gian của bước lúc {moment}",
        "nobody_yet": "chưa xác định cơ quan",
        "late": "QUÁ HẠN {amount} làm việc (C10)",
        "late_by": "   {agency}: {amount}",
        "reappointed": "Đã xin lỗi và hẹn lại: {moment}; việc hẹn lại không thay đổi hạn trả",
        "finished": "Có kết quả: {moment}",
        "closed": "Kết thúc, không có kết quả: {moment}",
    },
    Language.EN: {
        "title": "WHY IT IS DUE WHEN IT IS: DOSSIER {code}",
        "procedure": "Procedure: {name} ({code})",
        "case": "Case: {name}",
        "received": "Accepted: {moment}, {agency}",
        "backdated": "COUNTED FROM BEFORE THE RECORD (C14): recorded {moment}, evidence: {evidence}",
        "approved": "   Approved by a leader: {agency}",
        "approved_by": "   Approved by a leader: {officer}, {agency}",
        "pauses": "PAUSES",
        "pause": "{number}. {kind}: from {begins} to {ends}",
        "pause_open": "{number}. {kind}: from {begins}, not over",
        "agency": "   Paused by: {agency}",
        "officer": "   Officer who paused: {officer}",
        "papers": "   Papers asked for: {papers}",
        "amount": "   Amount demanded: {amount} đồng",
        "step": "   Step: {step}",
        "basis": "   On the ground of: {basis}",
        "limit_at": "   The applicant's own limit: {moment}",
        "limit_moved": "   The limit told at first: {moment}; moved by a change of working days ({version})",
        "ended_by": "   Officer who confirmed the end: {officer}",
        "promised": "THE LIMIT THAT WAS PROMISED (by which the dossier is judged)",
        "statutory": "THE LIMIT THAT THE LAW SETS",
        "online": "The limit is the one for what is filed online",
        "calendar": "Calendar: {version}",
        "kept": "   Working days have changed ({version}); the date told is no earlier than they give, so it is kept",
        "steps": "HOW LONG EACH STEP TOOK, in the working time of its agency (C10)",
        "step_time": "{number}. {step}, {agency}: {used} of {allowance}",
        "step_over": "{text}; over by {overrun}",
        "step_runs_out": "{text}; its time runs out {moment}",
        "nobody_yet": "no agency named yet",
        "late": "LATE by {amount} of working time (C10)",
        "late_by": "   {agency}: {amount}",
        "reappointed": "Apologised and appointed anew: {moment}; no new appointment moves the due moment",
        "finished": "The result was ready: {moment}",
        "closed": "Closed without a result: {moment}",
    },
}
"""Every text beside those of the limits themselves; a test holds both languages to the same names and placeholders."""


def deadline_text(view: DeadlineView, deadline: Deadline, language: Language) -> str:
    """Write the whole explanation in one language; who is not named in the view is not named here."""
    return "\n".join((*_Page(view, deadline, language).lines(), ""))


class _Page:
    def __init__(self, view: DeadlineView, deadline: Deadline, language: Language) -> None:
        self._view = view
        self._deadline = deadline
        self._language = language

    def lines(self) -> Iterator[str]:
        view = self._view
        yield self._say("title", code=view.code)
        yield self._say("procedure", name=self._name(view.procedure), code=view.procedure.code)
        if case := self._name(view.case):
            yield self._say("case", name=case)
        yield self._say("received", moment=self._moment(view.accepted_at), agency=self._name(view.received_by))
        if view.backdating is not None:
            yield from self._backdating(view.backdating)
        yield from self._ends()
        if view.pauses:
            yield from ("", self._say("pauses"))
        for pause in view.pauses:
            yield from self._pause(pause)
        for title, explained in (("promised", self._deadline.promised), ("statutory", self._deadline.statutory)):
            yield from ("", self._say(title), *self._limit(explained))
        if view.steps:
            yield from ("", self._say("steps"), *map(self._step, view.steps))
        if view.lateness is not None:
            yield from ("", *self._late(view.lateness))

    def _limit(self, explained: Explained) -> Iterator[str]:
        if explained.online:
            yield self._say("online")
        yield self._say("calendar", version=explained.calendar_version)
        if explained.calendar_followed != explained.calendar_version:
            yield self._say("kept", version=explained.calendar_followed)
        yield from explanation_text(explained.explanation, self._language)

    def _step(self, timed: StepTimed) -> str:
        text = self._say(
            "step_time",
            number=timed.step_no,
            step=self._name(timed.step),
            agency=self._name(timed.agency) if timed.agency else self._say("nobody_yet"),
            used=self._time(timed.used_seconds),
            allowance=self._time(timed.allowance_seconds),
        )
        if timed.runs_out_at is not None:
            text = self._say("step_runs_out", text=text, moment=self._moment(timed.runs_out_at))
        return (
            self._say("step_over", text=text, overrun=self._time(timed.overrun_seconds))
            if timed.overrun_seconds
            else text
        )

    def _late(self, late: LatenessTold) -> Iterator[str]:
        yield self._say("late", amount=self._time(late.seconds))
        for part in late.by_agency:
            yield self._say("late_by", agency=self._name(part.agency), amount=self._time(part.lateness_seconds))

    def _time(self, total: int) -> str:
        minutes, seconds = divmod(total, 60)
        return OF_LIMITS[self._language]["seconds" if seconds else "minutes"].format(minutes=minutes, seconds=seconds)

    def _backdating(self, told: BackdatingTold) -> Iterator[str]:
        yield self._say("backdated", moment=self._moment(told.recorded_at), evidence=self._name(told.evidence))
        approved = "approved" if told.officer is None else "approved_by"
        yield self._say(approved, officer=told.officer, agency=self._name(told.agency))

    def _ends(self) -> Iterator[str]:
        view = self._view
        moments = {"reappointed": view.reappointed_to, "finished": view.finished_at, "closed": view.closed_at}
        for name, moment in moments.items():
            if moment is not None:
                yield self._say(name, moment=self._moment(moment))

    def _pause(self, pause: PauseTold) -> Iterator[str]:
        values = {"kind": OF_LIMITS[self._language][pause.kind], "begins": self._moment(pause.began_at)}
        if pause.ended_at is None:
            yield self._say("pause_open", number=pause.number, **values)
        else:
            yield self._say("pause", number=pause.number, ends=self._moment(pause.ended_at), **values)
        yield self._say("agency", agency=self._name(pause.agency))
        if pause.officer:
            yield self._say("officer", officer=pause.officer)
        if pause.papers:
            yield self._say("papers", papers="; ".join(map(self._name, pause.papers)))
        if pause.amount_vnd is not None:
            yield self._say("amount", amount=self._amount(pause.amount_vnd))
        if pause.step is not None:
            yield self._say("step", step=self._name(pause.step))
        yield self._say("basis", basis=self._name(pause.basis))
        yield from self._own_limit(pause)
        if pause.ended_by:
            yield self._say("ended_by", officer=pause.ended_by)

    def _own_limit(self, pause: PauseTold) -> Iterator[str]:
        if pause.limit_at is not None:
            yield self._say("limit_at", moment=self._moment(pause.limit_at))
        if pause.first_limit_at is not None:
            moment = self._moment(pause.first_limit_at)
            yield self._say("limit_moved", moment=moment, version=pause.limit_calendar_version)

    def _amount(self, amount: int) -> str:
        return f"{amount:,}".replace(",", "." if self._language is Language.VI else ",")

    def _name(self, named: Named) -> str:
        return named.name_en if self._language is Language.EN else named.name_vi

    def _moment(self, moment: datetime) -> str:
        return moment_text(moment, self._language)

    def _say(self, name: str, /, **values: object) -> str:
        return WORDS[self._language][name].format(**values)
