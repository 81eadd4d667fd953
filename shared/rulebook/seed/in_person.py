"""Procedures of the seed that are not open to online filing, for whoever files must appear or show an original.

The law's files have no column for it. The articles are those of NĐ 23/2015/NĐ-CP (authentication), from general
knowledge: check them before any real use.
"""

from __future__ import annotations

from collections.abc import Mapping

IN_PERSON: Mapping[str, str] = {
    "2.000815": "art. 20: the original is shown, and a copy is compared with it",
    "2.000884": "art. 24: it is signed before the officer",
    "2.001008": "art. 31: the translator signs before the officer",
    "2.000992": "art. 31: the translator signs before the officer",
    "2.001035": "art. 36: the parties sign before the officer",
    "2.001019": "art. 36: the testator signs before the officer",
}
"""Procedure → why; every other procedure of the seed may be filed online."""
