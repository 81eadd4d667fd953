"""What a measurement is, and how it is repeated: one warm-up round, then the rounds that count, medians of those."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from tests.bench.figures import FIGURES


class Refused(Exception):
    """What was measured is no figure: an answer was wrong, a load did not come about. The text says what."""


@dataclass(frozen=True)
class Size:
    """How long a load lasts and how often it is repeated; numbers of facts follow from the seconds.

    `dossiers` are those that a stack is loaded with where reading is measured.
    """

    rounds: int = 3
    seconds: int = 5
    dossiers: int = 100_000


Round = Callable[[], Awaitable[Mapping[str, float]]]
"""Plays one round; answers its figures by name."""


@dataclass(frozen=True)
class Measurement:
    """One measurement: `begin` starts all it needs, yields its round, and ends everything again.

    `once`: it is played a single time, without a warm-up.
    """

    name: str
    begin: Callable[[Size], AbstractAsyncContextManager[Round]]
    once: bool = False

    @property
    def figures(self) -> set[str]:
        """Name the figures that each of its rounds answers."""
        return {figure.name for figure in FIGURES if figure.by == self.name}

    def check(self, found: Mapping[str, float]) -> Mapping[str, float]:
        """Hold a round against the figures that are declared for it. Raises Refused."""
        if found.keys() != self.figures:
            raise Refused(f"declared and measured are not the same: {sorted(found.keys() ^ self.figures)}")
        return found


@dataclass(frozen=True)
class Played:
    """What came of a measurement: each round's figures, the load of the machine around it, why it was refused."""

    name: str
    rounds: tuple[Mapping[str, float], ...] = ()
    load_before: float = 0.0
    load_after: float = 0.0
    seconds: float = 0.0
    refused: str = ""

    @property
    def medians(self) -> dict[str, float]:
        """Give each figure's median."""
        return {name: statistics.median(self.of(name)) for name in (self.rounds[0] if self.rounds else ())}

    def of(self, figure: str) -> list[float]:
        """Give one figure of every round."""
        return [found[figure] for found in self.rounds]


@dataclass
class _Progress:
    began: float = field(default_factory=time.monotonic)


_progress = _Progress()


def say(text: str) -> None:
    """Tell on stderr how far the bench is."""
    sys.stderr.write(f"{time.monotonic() - _progress.began:7.1f} s  {text}\n")
    sys.stderr.flush()


def reason(error: BaseException) -> str:
    """Say why something stopped; of several errors at once, each reason once."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(dict.fromkeys(map(reason, error.exceptions)))
    return f"{type(error).__name__}: {error}"


async def play(measurement: Measurement, size: Size) -> Played:
    """Play a measurement's rounds; whatever stops it is told, and the other measurements go on."""
    began, load = time.monotonic(), os.getloadavg()[0]
    rounds: list[Mapping[str, float]] = []
    refused = ""
    try:
        async with measurement.begin(size) as one_round:
            if not measurement.once:
                say(f"{measurement.name}: warm-up")
                await one_round()
            for number in range(1, 1 + (1 if measurement.once else size.rounds)):
                rounds.append(measurement.check(await one_round()))
                told = ", ".join(f"{name} {value:,.1f}" for name, value in rounds[-1].items())
                say(f"{measurement.name}: round {number}: {told}")
    except Exception as error:  # noqa: BLE001 - one that fails is told, and the exit code says so
        refused = reason(error)
        say(f"{measurement.name}: REFUSED: {refused}")
    return Played(
        name=measurement.name,
        rounds=tuple(rounds),
        load_before=load,
        load_after=os.getloadavg()[0],
        seconds=time.monotonic() - began,
        refused=refused,
    )
