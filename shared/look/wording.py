"""Words that stand on every page, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from shared.contracts.facts import Language

WORDS: Mapping[Language, Mapping[str, str]] = {
    Language.VI: {
        "product": "Một Cửa",
        "skip": "Đến nội dung chính",
        "languages": "Ngôn ngữ",
        "no_people": "Trang này chỉ có số liệu tổng hợp, không có dữ liệu cá nhân.",
    },
    Language.EN: {
        "product": "Một Cửa",
        "skip": "Skip to main content",
        "languages": "Language",
        "no_people": "This page shows totals only and no personal data.",
    },
}

LANGUAGE_NAMES: Mapping[Language, str] = {Language.VI: "Tiếng Việt", Language.EN: "English"}
