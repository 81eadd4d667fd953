"""Since when a process has been in touch with the database: what it must know before it takes silence for a death."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Touch:
    """Turns with the database that ended well and began at most `longest_silence` after each other; monotonic seconds.

    A silence is one whoever caused it: the database was away or slow, or this process was frozen, or not yet there.
    """

    longest_silence: float
    _since: float = 0.0
    _begun: float = 0.0
    _ended_well: bool = False

    def begin(self, now: float) -> float:
        """Begin a turn; answers for how many seconds there has been no silence and no turn that failed."""
        if not self._ended_well or now - self._begun > self.longest_silence:
            self._since = now
        self._begun, self._ended_well = now, False
        return now - self._since

    def end(self) -> None:
        """End a turn well; one that fails is not ended."""
        self._ended_well = True
