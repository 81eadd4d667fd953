"""Vietnamese dictionary order as stored sort keys: the database compares bytes and knows no language."""

from __future__ import annotations

import unicodedata

_ALPHABET = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_TONES = "\u0300\u0309\u0303\u0301\u0323"
"""Huyền, hỏi, ngã, sắc, nặng: the order of dictionaries, after the level tone."""
_SHAPES = "\u0306\u0302\u031b"
"""Breve, circumflex, horn: with their vowel they are letters of their own."""


def sort_key(name: str) -> str:
    """Give an ASCII key whose byte order is the dictionary's: letters first, tones where the letters are equal."""
    letters: list[str] = []
    tones: list[str] = []
    for cluster in _clusters(name.lower()):
        tone = next((mark for mark in cluster if mark in _TONES), "")
        letter = unicodedata.normalize("NFC", "".join(part for part in cluster if part not in _TONES))
        letters.append(_rank(letter))
        tones.append(str(_TONES.index(tone) + 1) if tone else "0")
    return "".join(letters) + " " + "".join(tones)


def _rank(letter: str) -> str:
    """Give two digits: spaces and signs first, then numbers, then the alphabet."""
    if letter in _ALPHABET:
        return f"{_ALPHABET.index(letter) + 10}"
    return f"0{letter}" if letter.isdecimal() and letter.isascii() else "00"


def _clusters(text: str) -> list[str]:
    """Split into letters with their marks."""
    clusters: list[str] = []
    for part in unicodedata.normalize("NFD", text):
        if clusters and (part in _TONES or part in _SHAPES):
            clusters[-1] += part
        else:
            clusters.append(part)
    return clusters
