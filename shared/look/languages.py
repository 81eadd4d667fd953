"""Which language a reader gets, and how numbers and moments are written in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, format_percent
from starlette.requests import Request

from shared.contracts.facts import Language
from shared.http.languages import preferred_language
from shared.rulebook.calendar import ZONE

_DAY: Mapping[Language, str] = {Language.VI: "dd/MM/yyyy", Language.EN: "d MMMM yyyy"}
_MOMENT: Mapping[Language, str] = {Language.VI: "HH:mm 'ngày' dd/MM/yyyy", Language.EN: "HH:mm 'on' d MMMM yyyy"}
NOTHING = "–"
"""Shown where there is no figure."""


def chosen_language(request: Request) -> Language:
    """Give the language of `?lang=`, else of Accept-Language, else Vietnamese."""
    asked = request.query_params.get("lang", "")
    if asked in set(Language):
        return Language(asked)
    return preferred_language(request.headers.get("accept-language"))


def filters(language: Language) -> Mapping[str, Callable[..., str]]:
    """Give the templates' filters: number, percent, day and moment as the language writes them."""

    def number(value: int | None) -> str:
        return NOTHING if value is None else format_decimal(value, locale=language.value)

    def percent(value: float | None) -> str:
        return NOTHING if value is None else format_percent(value, format="#,##0.00%", locale=language.value)

    def day(value: date) -> str:
        return format_date(value, _DAY[language], locale=language.value)

    def moment(value: datetime) -> str:
        return format_datetime(value.astimezone(ZONE), _MOMENT[language], tzinfo=ZONE, locale=language.value)

    return {"number": number, "percent": percent, "day": day, "moment": moment}
