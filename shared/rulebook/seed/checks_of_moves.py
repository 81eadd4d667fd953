"""Checks of the moves and their conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shared.rulebook.moves import Clock, Owner
from shared.rulebook.seed.records import Law
from shared.rulebook.seed.tables import Fault

ROLES = frozenset({"citizen", "desk", "specialist", "leader", "system"})
_STATES = re.compile(r"-|(?:[1-9]|10)(?:\|(?:[1-9]|10))*", re.ASCII)
_TO = re.compile(r"=|[1-9]|10", re.ASCII)
_FACT = re.compile(r"dossier\.[a-z_]+", re.ASCII)


def vocabulary(law: Law) -> Iterator[Fault]:
    """States, owners, roles, clocks and facts are of the closed lists."""
    for row in law.moves:
        cells = row.cells
        right = {
            "from": _STATES.fullmatch(cells["from"]),
            "to": _TO.fullmatch(cells["to"]),
            "owner": cells["owner"] in set(Owner),
            "roles": set(cells["roles"].split("|")) <= ROLES,
            "clock": cells["clock"] in set(Clock),
            "fact": _FACT.fullmatch(cells["fact"]),
        }
        for column, is_right in right.items():
            if not is_right:
                yield row.fault(f"{column}: is not one of the closed list")


def conditions(law: Law) -> Iterator[Fault]:
    """Every condition of a move is explained, and every condition explained is one of a move."""
    known = {row.cells["code"] for row in law.conditions}
    used = set()
    for row in law.moves:
        for code in filter(None, row.cells["conditions"].split(";")):
            used.add(code)
            if code not in known:
                yield row.fault(f"conditions: {code} is not in conditions.csv")
    for row in law.conditions:
        if row.cells["code"] not in used:
            yield row.fault("code: no move has this condition")


CHECKS = (vocabulary, conditions)
