"""Which form of an answer a caller wants: JSON unless plain text is preferred (RFC 9110, 12.5.1)."""

from __future__ import annotations

from collections.abc import Mapping

from shared.http.languages import weight

_JSON: Mapping[str, int] = {"*/*": 0, "application/*": 1, "application/json": 2}
_TEXT: Mapping[str, int] = {"*/*": 0, "text/*": 1, "text/plain": 2}
"""What names a form in an Accept header → how closely."""


def wants_plain_text(accept: str | None) -> bool:
    """Choose from an Accept header; of two forms that are wanted alike it is JSON, and what cannot be read is nothing.

    The range that names a form most closely is the one that counts for it.
    """
    return _wanted(accept, _TEXT) > _wanted(accept, _JSON)


def _wanted(accept: str | None, names: Mapping[str, int]) -> float:
    closest, wanted = -1, 0.0
    for item in (accept or "").split(",")[:20]:
        media_range, _, parameters = item.strip().partition(";")
        close = names.get(media_range.strip().lower(), -1)
        if close > closest:
            closest, wanted = close, _quality(parameters)
    return wanted


def _quality(parameters: str) -> float:
    """Find the weight among the parameters of a range; there is one at most that counts."""
    weights = [each for each in parameters.split(";") if each.strip().lower().startswith("q=")]
    return weight(weights[-1] if weights else "")
