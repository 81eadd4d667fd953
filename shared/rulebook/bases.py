"""On what a pause of the legal clock rests: one closed list by kind of pause and date, with the words of a citation.

Found in sources: when each decree was in force (61 until 30 June 2025, 118 from the day after); that waiting for money
and posting do not count; C6 for the rest. Not found: the texts themselves. That a supplement rests on the decree of its
day, and survey and council on the decision that publishes the procedure, is chosen; no article is cited, for the one
that was remembered (19) is elsewhere remembered for the apology. A lawyer has to check it before any real use.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from shared.rulebook.pauses import PauseKind


class Basis(NamedTuple):
    """A code, which facts carry, and how it is cited in both languages."""

    code: str
    vi: str
    en: str


_DECREE_61 = Basis("nd61_2018_d19", "Nghị định 61/2018/NĐ-CP", "Decree 61/2018/NĐ-CP")
_DECREE_118 = Basis("nd118_2025", "Nghị định 118/2025/NĐ-CP", "Decree 118/2025/NĐ-CP")
_PROCEDURE = Basis(
    "procedure_excluded_period",
    "quyết định công bố thủ tục: thời gian không tính vào thời hạn giải quyết",
    "the decision that publishes the procedure: time that does not count in its limit",
)

BASES: Mapping[str, Basis] = {basis.code: basis for basis in (_DECREE_61, _DECREE_118, _PROCEDURE)}
"""Code → citation. Codes travel in facts and are never taken back, so the first still ends in the article's number."""

DECREE_118_FROM = date(2025, 7, 1)


def basis_of(kind: PauseKind, day: date) -> Basis:
    """Say on what a pause that begins on a date rests."""
    if kind is not PauseKind.SUPPLEMENT:
        return _PROCEDURE
    return _DECREE_118 if day >= DECREE_118_FROM else _DECREE_61
