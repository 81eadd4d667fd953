"""The plan of a dispatch for people: one line for each dossier that moves, then how many do not and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from deploy.rule_changes.calendar_plan import Plan
from services.processing.domain.reissuing import Checked, Fate, LimitMoved
from shared.rulebook.calendar import local
from shared.rulebook.pauses import PauseKind

HEADER = ("Hồ sơ / Dossier", "Hẹn trả / Promised", "Theo luật / Statutory", "Đã báo / Told")
WIDTHS = (28, 40, 40, 0)
HEADER_OF_LIMITS = ("Hồ sơ / Dossier", "Hạn của người nộp / His own limit", "Để / To", HEADER[-1])
LIMITS = {PauseKind.SUPPLEMENT: "bổ sung giấy tờ / bring papers", PauseKind.PAYMENT: "nộp tiền / pay"}
SAID = {
    Fate.MOVED: "đổi ngày / would move",
    Fate.KEPT: "giữ ngày đã hẹn, lịch mới cho hạn sớm hơn / keep their dates, which the calendar would set earlier",
    Fate.PAUSED: "đang tạm dừng, tính theo lịch mới khi tiếp tục / are paused, reckoned by it once they go on",
    Fate.LATE: "đã quá hạn, không đổi / are overdue and stay so",
    Fate.UNRECKONED: "vượt quá các năm của lịch, giữ ngày / reach beyond the calendar's years and keep their dates",
    Fate.UNTOUCHED: "không đổi / stay as they are",
}


def plan_text(plan: Plan) -> Iterator[str]:
    """Say a plan line by line."""
    yield f"{plan.based_on} → {plan.version}"
    if plan.moved:
        yield _line(HEADER)
        yield from (_line(_cells(each, told=each.before.code in plan.told)) for each in plan.moved)
    if plan.limited:
        yield _line(HEADER_OF_LIMITS)
        yield from (_line(_limit_cells(each, limit, plan)) for each, limit in plan.limited)
    yield f"{plan.open} hồ sơ đang giải quyết / open dossiers"
    for fate, said in SAID.items():
        if number := len(plan.of(fate)):
            yield f"{number:>8} {said}"
    told, promised = len(plan.told), sum(each.promise_moved for each in plan.moved)
    if promised:
        yield f"{promised:>8} ngày hẹn trả đổi, {told} người dân đã được báo / promised dates move, {told} were told"
    if plan.limited:
        moved, told = len(plan.limited), len(plan.told_limits)
        yield f"{moved:>8} hạn của người nộp đổi, {told} người đã được báo / applicants' limits move, {told} were told"


def _cells(each: Checked, *, told: bool) -> tuple[str, ...]:
    before, after = each.before, each.after
    return (
        before.code,
        _span(before.promised_due, after.promised_due),
        _span(before.statutory_due, after.statutory_due),
        _told(told) if each.promise_moved else "",
    )


def _limit_cells(each: Checked, limit: LimitMoved, plan: Plan) -> tuple[str, ...]:
    code = each.before.code
    return code, _span(limit.previous, limit.limit_at), LIMITS[limit.halt.kind], _told(code in plan.told_limits)


def _told(told: bool) -> str:
    return "có / yes" if told else "chưa / no"


def _span(before: datetime, after: datetime) -> str:
    return _moment(before) if before == after else f"{_moment(before)} → {_moment(after)}"


def _moment(moment: datetime) -> str:
    return f"{local(moment):%d/%m/%Y %H:%M}"


def _line(cells: tuple[str, ...]) -> str:
    return "".join(f"{cell:{width}}" if width else cell for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()
