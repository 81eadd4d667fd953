"""What may go wrong, and how often in one seed: some know only crashes, some only a bad broker, some everything."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping

SOMETIMES, OFTEN = (0.0, 0.01, 0.03), (0.0, 0.05, 0.2)

TEMPERS: Mapping[str, tuple[float, ...]] = {
    # of every decision of the scheduler
    "crash": SOMETIMES,
    "freeze": SOMETIMES,
    "rebalance": SOMETIMES,
    "lease expires": SOMETIMES,
    "clock moves": (0.01, 0.03, 0.06),
    "late record lands": (0.02, 0.1),
    # of every step of its kind
    "answer lost": (0.0, 0.02, 0.06),
    "session ended": (0.0, 0.0, 0.01),
    "send refused": OFTEN,
    "acknowledgement lost": OFTEN,
    "record doubled": OFTEN,
    "record late": OFTEN,
    "offsets refused": OFTEN,
    "client repeats": (0.0, 0.3),
    "acts beside each other": (0.0, 0.6),
}
"""Fault → the likelihoods that a seed draws from. A fault that is often absent shows what the others do without it."""


class Chaos:
    """The one source of chance of a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.temper = {fault: self.rng.choice(likelihoods) for fault, likelihoods in TEMPERS.items()}
        self.struck: Counter[str] = Counter()
        self.calm = False

    def strikes(self, fault: str) -> bool:
        """Say whether the fault strikes now; never once the world is calm."""
        if self.calm or self.rng.random() >= self.temper[fault]:
            return False
        self.struck[fault] += 1
        return True
