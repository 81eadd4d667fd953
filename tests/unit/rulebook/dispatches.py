"""A dispatch that nobody issued: Friday 13 March 2020 off, Saturday 21 March worked for it."""

from __future__ import annotations

HEADER = "kind,date,to,weekdays,agency,hours,replaces,name_vi,name_en,source"
SWAP = f"""{HEADER}
swap_off,2020-03-13,,,,,,Nghỉ hoán đổi,Day off by swap,1001/UBND-KGVX
worked_saturday,2020-03-21,,,,,2020-03-13,Làm bù,Worked Saturday,1001/UBND-KGVX
"""


def lines(*given: str) -> str:
    return "\n".join((HEADER, *given, ""))
