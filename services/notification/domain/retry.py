"""When a message is tried again, and when no more: a pure function of the attempts made."""

from __future__ import annotations

from datetime import datetime, timedelta

ATTEMPTS_MAX = 60
FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=5)
"""1, 2, 4 … 256 seconds, then every 5 minutes: a gateway may be away for four hours."""

DELAYS_AFTER_LOSS = (timedelta(seconds=1), timedelta(seconds=30), timedelta(minutes=5), timedelta(hours=1))
"""Each lost answer may be a message that arrived: the citizen gets at most five, and an hour's outage is bridged."""


def next_attempt(attempts: int, now: datetime, spread: float) -> datetime | None:
    """When to try again after `attempts` attempts (machine time); None: no more.

    `spread` in [0, 1) moves the delay by up to a quarter, so that none march.
    """
    if attempts >= ATTEMPTS_MAX:
        return None
    return _later(now, min(FIRST_DELAY * 2 ** min(attempts - 1, 16), LONGEST_DELAY), spread)


def after_loss(losses: int, now: datetime, spread: float) -> datetime | None:
    """When to try again after an answer was lost for the `losses`-th time; as above."""
    if losses > len(DELAYS_AFTER_LOSS):
        return None
    return _later(now, DELAYS_AFTER_LOSS[losses - 1], spread)


def _later(now: datetime, delay: timedelta, spread: float) -> datetime:
    return now + delay * (1 + spread / 4)
