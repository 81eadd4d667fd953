"""On what a pause of the legal clock rests: one closed list by kind of pause and date, with the words of a citation.

From general knowledge, to be checked before any real use, as all of the law data: the texts themselves were not found.
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


_DECREE_61 = Basis("nd61_2018_d19", "Điều 19 Nghị định 61/2018/NĐ-CP", "article 19 of Decree 61/2018/NĐ-CP")
_DECREE_118 = Basis("nd118_2025", "Nghị định 118/2025/NĐ-CP", "Decree 118/2025/NĐ-CP")
_PROCEDURE = Basis(
    "procedure_excluded_period",
    "quyết định công bố thủ tục: thời gian không tính vào thời hạn giải quyết",
    "the decision that publishes the procedure: time that does not count in its limit",
)

BASES: Mapping[str, Basis] = {basis.code: basis for basis in (_DECREE_61, _DECREE_118, _PROCEDURE)}
"""Code → citation. Codes travel in facts and are never taken back."""

DECREE_118_FROM = date(2025, 7, 1)


def basis_of(kind: PauseKind, day: date) -> Basis:
    """Say on what a pause that begins on a date rests."""
    if kind is not PauseKind.SUPPLEMENT:
        return _PROCEDURE
    return _DECREE_118 if day >= DECREE_118_FROM else _DECREE_61
