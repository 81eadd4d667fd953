"""The words of the board, in both languages; figures and formulas have theirs in `formulas.py`."""

from __future__ import annotations

from collections.abc import Mapping

from shared.contracts.facts import Language

PLACE_PREFIXES: Mapping[Language, str] = {Language.VI: "UBND ", Language.EN: "People's Committee of "}
"""How the names of communes begin: a table of places leaves it out."""


def short_place(name: str, language: str) -> str:
    """Give the place's own name, as a table of places shows it: Xã Nga An for UBND xã Nga An."""
    own = name.removeprefix(PLACE_PREFIXES[Language(language)])
    return own[:1].upper() + own[1:]


BOARD: Mapping[Language, Mapping[str, str]] = {
    Language.VI: {
        "title": "Kết quả giải quyết hồ sơ",
        "period": "Hồ sơ tiếp nhận và giải quyết từ",
        "until": "đến",
        "as_of": "Số liệu tính đến",
        "refreshed": "Trang tự cập nhật 5 giây một lần.",
        "stop": "Dừng tự cập nhật",
        "start": "Tự cập nhật",
        "summary": "Số liệu chung",
        "formula": "Cách tính",
        "share_bar": "Hồ sơ trong kỳ theo kết quả",
        "nothing": "Chưa có hồ sơ nào trong kỳ này.",
        "on_time": "Đúng hạn",
        "late": "Quá hạn",
        "closed": "Không có kết quả",
        "within": "Đang giải quyết, trong hạn",
        "overdue": "Đang giải quyết, quá hạn",
        "by_field": "Theo lĩnh vực",
        "by_field_caption": "Hồ sơ của từng lĩnh vực trong kỳ.",
        "by_place": "Theo nơi tiếp nhận",
        "by_place_caption": "Hồ sơ của từng nơi tiếp nhận trong kỳ, dù cơ quan nào giải quyết.",
        "field": "Lĩnh vực",
        "place": "Nơi tiếp nhận",
        "received": "Tiếp nhận",
        "in_progress": "Đang giải quyết",
        "of_which_overdue": "trong đó quá hạn",
        "share_on_time": "Tỷ lệ đúng hạn",
        "total": "Tổng số",
        "channel": "Kênh",
        "sms": "Tin nhắn SMS",
        "email": "Thư điện tử",
        "zalo": "Zalo",
        "handed_over": "Đã chuyển",
        "delivered": "Đã tới",
        "unknown": "Không rõ",
        "failed": "Thất bại",
        "data": "Số liệu mở",
        "json": "Báo cáo dạng JSON, kèm cách tính từng con số",
        "roots": "Gốc băm của lịch sử hồ sơ, công bố lúc",
        "roots_json": "Các lần công bố trước",
        "versions": "Tính theo các phiên bản quy định",
        "catalogue": "danh mục thủ tục",
        "calendar": "lịch làm việc",
        "agencies": "cơ quan",
    },
    Language.EN: {
        "title": "Dossiers and their results",
        "period": "Dossiers received and resolved from",
        "until": "to",
        "as_of": "Figures as of",
        "refreshed": "This page refreshes itself every 5 seconds.",
        "stop": "Stop refreshing",
        "start": "Refresh by itself",
        "summary": "Main figures",
        "formula": "Formula",
        "share_bar": "Dossiers of the period by result",
        "nothing": "No dossiers in this period yet.",
        "on_time": "On time",
        "late": "Late",
        "closed": "Without result",
        "within": "In progress, within limit",
        "overdue": "In progress, overdue",
        "by_field": "By field",
        "by_field_caption": "Dossiers of each field in the period.",
        "by_place": "By place of reception",
        "by_place_caption": "Dossiers handed in at each place in the period, whichever agency decides them.",
        "field": "Field",
        "place": "Place of reception",
        "received": "Received",
        "in_progress": "In progress",
        "of_which_overdue": "of which overdue",
        "share_on_time": "Share on time",
        "total": "Total",
        "channel": "Channel",
        "sms": "SMS",
        "email": "E-mail",
        "zalo": "Zalo",
        "handed_over": "Handed over",
        "delivered": "Delivered",
        "unknown": "Unknown",
        "failed": "Failed",
        "data": "Open data",
        "json": "The report as JSON, with each figure's formula",
        "roots": "Roots over the history of dossiers, published at",
        "roots_json": "Those published before",
        "versions": "Computed under the rule versions",
        "catalogue": "procedures",
        "calendar": "working calendar",
        "agencies": "agencies",
    },
}
