"""The GSM 7-bit alphabet (3GPP TS 23.038) and the number of parts that an SMS takes."""

from __future__ import annotations

ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")
"""Letters that take two places."""

SINGLE_LENGTH = 160
PART_LENGTH = 153


class NotGsm(ValueError):
    """A letter outside the alphabet: the whole message would be sent in UCS-2, 70 letters a part."""


def parts(text: str) -> int:
    """Count the parts of an SMS. Raises NotGsm."""
    foreign = sorted(set(text) - ALPHABET - EXTENSION)
    if foreign:
        raise NotGsm(f"not in the GSM alphabet: {foreign}")
    places = len(text) + sum(letter in EXTENSION for letter in text)
    return 1 if places <= SINGLE_LENGTH else -(-places // PART_LENGTH)
