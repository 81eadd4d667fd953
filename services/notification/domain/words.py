"""What the codes of facts are called in texts to citizens, in both languages, each as it stands in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from shared.contracts.facts import Language, OwnLimit, Period, StopCause
from shared.rulebook.calendar import ZONE
from shared.rulebook.catalogue import SupplementPolicy
from shared.rulebook.limits import appointed
from shared.rulebook.refusals import EVERY_REASON

Words = Mapping[Language, str]

PERIODS: Mapping[str, Words] = {
    Period.POSTING: {Language.VI: "niêm yết công khai", Language.EN: "public posting"},
    Period.SURVEY: {Language.VI: "đo đạc, kiểm tra thực địa", Language.EN: "survey on site"},
    Period.COUNCIL: {Language.VI: "chờ phiên họp Hội đồng", Language.EN: "waiting for the council's session"},
}
"""Excluded period → its name."""

CAUSES: Mapping[str, Words] = {
    StopCause.WITHDRAWAL: {Language.VI: "theo yêu cầu rút hồ sơ", Language.EN: "as the applicant asked to withdraw it"},
    StopCause.UNPAID: {Language.VI: "vì quá hạn chưa nộp tiền", Language.EN: "because payment was not made in time"},
}
"""Why a dossier was stopped → the reason."""

POLICIES: Mapping[str, Words] = {
    SupplementPolicy.RESUME: {
        Language.VI: "thời hạn giải quyết được tính tiếp",
        Language.EN: "the time limit goes on",
    },
    SupplementPolicy.RESTART: {
        Language.VI: "thời hạn giải quyết được tính lại từ đầu",
        Language.EN: "the time limit starts again",
    },
}
"""Supplement policy → what becomes of the limit (printed on Mẫu 02)."""

LIMITS: Mapping[str, Words] = {
    OwnLimit.SUPPLEMENT: {Language.VI: "hạn bổ sung giấy tờ", Language.EN: "the time to bring papers"},
    OwnLimit.PAYMENT: {Language.VI: "hạn nộp tiền", Language.EN: "the time to pay"},
}
"""Limit of the applicant's own → its name."""


NO_DAY: Words = {Language.VI: "không ấn định ngày", Language.EN: "without an appointed day"}
"""Where a procedure has no appointment."""


def named(words: Mapping[str, Words]) -> Callable[[str, str], str]:
    """Make a function from a code and a language to its words."""
    return lambda code, language: words[code][Language(language)]


def show_moment(value: str) -> str:
    """Write a moment (RFC 3339) as people here do: dd/MM/yyyy HH:mm in Vietnam."""
    return datetime.fromisoformat(value).astimezone(ZONE).strftime("%d/%m/%Y %H:%M")


def show_due(value: str, language: str) -> str:
    """Write a due moment, or that there is none, as it stands after "the result is due"."""
    return show_moment(value) if appointed(datetime.fromisoformat(value)) else NO_DAY[Language(language)]


def reason_of_refusal(code: str, language: str) -> str:
    """Say why a dossier was not taken in, in the words of the closed list."""
    reason = EVERY_REASON[code]
    return reason.en if language == Language.EN else reason.vi


def vnd(amount: str) -> str:
    """Write an amount in đồng as people here do: 1.250.000."""
    return f"{int(amount):,}".replace(",", ".")
