"""Where a day off or a worked Saturday of the seed comes from, as a citizen is told it in both languages.

The seed's own notes, in `law/public_holidays_2019_2027.csv`, also say how its days were found and with what they were
compared; that is for who tends the file. A dispatch's source is cited as its leader signed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Source(NamedTuple):
    """A source in both languages."""

    vi: str
    en: str


_LABOUR_CODE = Source("Bộ luật Lao động: các ngày nghỉ lễ, tết", "Labour Code: public holidays")
_SWAP = Source(
    "Hoán đổi ngày làm việc theo quyết định của Chính phủ", "A swap of working days, decided by the Government"
)
_FORECAST = Source(
    "Dự kiến theo quy tắc của Bộ luật Lao động; chưa có quyết định chính thức",
    "Forecast by the rule of the Labour Code; no official decision yet",
)
_DISPATCH = Source(
    "Công văn 12729/VPCP-KGVX ngày 25/12/2025 của Văn phòng Chính phủ",
    "Dispatch 12729/VPCP-KGVX of the Government Office, 25 December 2025",
)

SOURCES: Mapping[str, Source] = {
    "Labour Code list of public holidays; agrees with the holidays package 0.109": _LABOUR_CODE,
    "Government swap; in the holidays package 0.109": _SWAP,
    "Government swap; in the holidays package 0.109 and a press report of the official 2019 calendar": _SWAP,
    "press report of the official 2019 calendar (2-10 February off); agrees with the holidays package 0.109": Source(
        "Lịch nghỉ Tết chính thức năm 2019 (02/02–10/02/2019), theo báo chí",
        "The official Tết calendar of 2019 (2–10 February), as the press reported it",
    ),
    "official 2020 notice as reported by a provincial department (23-29 January off); agrees with the holidays package "
    "0.109": Source(
        "Thông báo chính thức về nghỉ Tết năm 2020 (23/01–29/01/2020), theo văn bản của một sở cấp tỉnh",
        "The official notice of Tết 2020 (23–29 January), as a provincial department passed it on",
    ),
    "day off as in the holidays package 0.109; read here as in lieu of the Saturday and Sunday inside Tết": Source(
        "Bộ luật Lao động: nghỉ bù cho thứ Bảy và Chủ nhật trong dịp Tết",
        "Labour Code: days off in lieu of the Saturday and Sunday inside Tết",
    ),
    "five days, nine running with the weekends (general knowledge); the holidays package 0.109 has these and also "
    "Saturday 2025-02-01": Source(
        "Lịch nghỉ Tết năm 2025: năm ngày, chín ngày liền tính cả hai kỳ nghỉ cuối tuần",
        "The Tết calendar of 2025: five days, nine running with the weekends",
    ),
    "dispatch 12729/VPCP-KGVX of 25/12/2025; missing in the holidays package 0.109": _DISPATCH,
    "dispatch 12729/VPCP-KGVX of 25/12/2025 (nine days running); agrees with the holidays package 0.109": _DISPATCH,
    "new paid holiday from 2026 (resolution 80-NQ/TW as cited by the holidays package 0.109)": Source(
        "Nghị quyết 80-NQ/TW: ngày nghỉ lễ mới, hưởng nguyên lương, từ năm 2026",
        "Resolution 80-NQ/TW: a new paid holiday from 2026",
    ),
    "forecast by the Labour Code rule, no decision found; agrees with the holidays package 0.109": _FORECAST,
    "forecast by the Labour Code rule, no decision found; agrees with the holidays package 0.109; read as in lieu of "
    "the weekend inside Tết": Source(
        "Dự kiến theo quy tắc của Bộ luật Lao động, nghỉ bù cho ngày cuối tuần trong dịp Tết; chưa có quyết định chính "
        "thức",
        "Forecast by the rule of the Labour Code, in lieu of the weekend inside Tết; no official decision yet",
    ),
}
"""The seed's note → what is told; another source, such as a dispatch's, stays as it was written."""


def told(source: str) -> Source:
    """Say in both languages where a day is known from."""
    return SOURCES.get(source) or Source(source, source)
