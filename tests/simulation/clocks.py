"""The two clocks of a seed: machine time goes on with every decision, legal time when the seed moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clocks:
    """A `LegalClock` and a machine's clock that only the scheduler moves."""

    def __init__(self, legal: datetime) -> None:
        self.legal_now = legal
        self._machine = datetime(2020, 3, 2, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the legal moment."""
        return self.legal_now

    def machine_now(self) -> datetime:
        """Return the machine's moment."""
        return self._machine

    def tick(self) -> None:
        """Let a little machine time pass."""
        self._machine += timedelta(milliseconds=7)

    def move_to(self, moment: datetime) -> None:
        """Move legal time; it never goes back."""
        self.legal_now = max(self.legal_now, moment)
