"""Which of the two languages a caller wants: Vietnamese unless English is preferred (RFC 9110, 12.5.4)."""

from __future__ import annotations

from dataclasses import dataclass

from shared.contracts.facts import Language


@dataclass(frozen=True)
class Words:
    """One text in both languages."""

    vi: str
    en: str

    def say(self, language: Language) -> str:
        """Return the text in one language."""
        return self.en if language is Language.EN else self.vi


def preferred_language(accept_language: str | None) -> Language:
    """Choose from an Accept-Language header; what cannot be read counts for nothing."""
    weights = {Language.VI: 0.0, Language.EN: 0.0}
    for item in (accept_language or "").split(",")[:20]:
        tag, _, parameters = item.strip().partition(";")
        name = tag.strip().lower().partition("-")[0]
        if name in set(Language):
            weights[Language(name)] = max(weights[Language(name)], weight(parameters))
    return Language.EN if weights[Language.EN] > weights[Language.VI] else Language.VI


def weight(parameters: str) -> float:
    """Read the weight of one item of a header; 1 where none is given, 0 for one that cannot be read."""
    name, _, value = parameters.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0
