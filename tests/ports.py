"""Which ports of this machine each suite has: a block of its own, since suites run side by side."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

BLOCK = 50
"""Ports of one stack: its parts lie within `SPARE` of the first, the others are for what a test puts beside them."""
SPARE = 44


@dataclass(frozen=True)
class Place:
    """Where the ports of a suite begin, and how many stacks it may have at the same time."""

    first: int
    stacks: int = 1


PLACES: Mapping[str, Place] = {
    "shared": Place(20950),
    "stack": Place(21000),
    "messaging": Place(21050),
    "intake": Place(21100),
    "processing": Place(21150),
    "notification": Place(21200),
    "metrics": Place(21250),
    "e2e": Place(21300, 2),
    "together": Place(21400, 2),
    "simulation": Place(21500),
    "faults": Place(21550),
    "bench": Place(21600, 2),
    "paths": Place(21700, 10),
    "fuzz": Place(22200),
}
"""Below the ports that the kernel gives out by itself (32768 and above)."""


def port_base(suite: str) -> int:
    """Find the first port of a suite; `MOTCUA_TEST_PORTS_<SUITE>` moves it."""
    return int(os.environ.get(f"MOTCUA_TEST_PORTS_{suite.upper()}", PLACES[suite].first))


def spare_port(base: int, number: int) -> int:
    """Find a port beside the parts of the stack at `base`, within its own block."""
    if not 0 <= number < BLOCK - SPARE:
        raise ValueError(f"a stack has {BLOCK - SPARE} spare ports, and {number} is none of them")
    return base + SPARE + number
