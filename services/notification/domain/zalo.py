"""Messages of Zalo's notification service (ZNS): a template that Zalo has approved, and the values of its places.

Nobody sends free text there. The files `….zalo.txt` are what is submitted for approval, a place written `<name>`; what
goes out is the template's name and the values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from services.notification.domain.words import (
    CAUSES,
    LIMITS,
    PERIODS,
    POLICIES,
    named,
    reason_of_refusal,
    show_due,
    show_moment,
    vnd,
)

PLACE = re.compile(r"<(\w+)>")
MOST_PLACES = 10
TITLE_LETTERS = (9, 65)
MOST_PARAGRAPHS = 4
PARAGRAPH_LETTERS = (9, 400)
"""What Zalo takes of one template."""


def _moment(value: str, _language: str) -> str:
    return show_moment(value)


def _amount(value: str, _language: str) -> str:
    return vnd(value)


SHOWN: Mapping[str, Callable[[str, str], str]] = {
    **dict.fromkeys(("previous_promised_due", "reappointed_to", "limit_at", "previous_limit_at"), _moment),
    "promised_due": show_due,
    "amount_vnd": _amount,
    "period": named(PERIODS),
    "cause": named(CAUSES),
    "limit": named(LIMITS),
    "policy": named(POLICIES),
    "reason": reason_of_refusal,
}
"""Parameter → how a citizen is shown it; every other one as it is."""


def values_of(source: str, language: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Give the value of each place of a text. Raises KeyError for one that is not given."""
    return {
        name: SHOWN[name](parameters[name], language) if name in SHOWN else parameters[name]
        for name in dict.fromkeys(PLACE.findall(source))
    }


def filled(source: str, values: Mapping[str, str]) -> str:
    """Put the values into their places, as Zalo shows them."""
    return PLACE.sub(lambda place: values[place[1]], source)
