"""When a message is tried again, and when no more: a pure function of the attempts made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

ATTEMPTS_MAX = 60
FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=5)
"""1, 2, 4 … 256 seconds, then every 5 minutes: a gateway may be away for four hours."""

DELAYS_AFTER_LOSS = (timedelta(seconds=1), timedelta(seconds=30), timedelta(minutes=5), timedelta(hours=1))
"""Each lost answer may be a message that arrived: the citizen gets at most five, and an hour's outage is bridged."""


@dataclass(frozen=True)
class RetryAt:
    """Try again at this moment (machine time)."""

    at: datetime


@dataclass(frozen=True)
class GiveUp:
    """Enough."""


def next_attempt(attempts: int, now: datetime, spread: float) -> RetryAt | GiveUp:
    """Decide after `attempts` attempts; `spread` in [0, 1) moves the delay by up to a quarter, so that none march."""
    if attempts >= ATTEMPTS_MAX:
        return GiveUp()
    return _retry(now, min(FIRST_DELAY * 2 ** min(attempts - 1, 16), LONGEST_DELAY), spread)


def after_loss(losses: int, now: datetime, spread: float) -> RetryAt | GiveUp:
    """Decide after the answer to an attempt was lost, for the `losses`-th time; `spread` as above."""
    if losses > len(DELAYS_AFTER_LOSS):
        return GiveUp()
    return _retry(now, DELAYS_AFTER_LOSS[losses - 1], spread)


def _retry(now: datetime, delay: timedelta, spread: float) -> RetryAt:
    return RetryAt(now + delay * (1 + spread / 4))
