"""How a sink behaves: well, or badly on demand for a number of messages."""

from __future__ import annotations

from enum import StrEnum

from deploy.local.sinks.logbook import Kind


class Conduct(StrEnum):
    """What becomes of one message."""

    ACCEPT = "accept"
    WITHHOLD = "withhold"
    """The message is taken, the answer never given, and no receipt sent until the sender asks again."""
    REFUSE = "refuse"
    """The message is not taken: try again later."""
    REJECT = "reject"
    """The message is not taken and never will be."""
    THROTTLE = "throttle"
    """SMS and Zalo: the message is not taken, there were too many of late."""
    RECEIPT_TWICE = "receipt_twice"
    """SMS and Zalo: the message is taken, and its receipt is posted twice."""
    RECEIPT_FIRST = "receipt_first"
    """SMS and Zalo: the message is taken, and its receipt has been posted when the answer is given."""
    SLOW = "slow"
    """The message is taken, the answer given after `SLOW_SECONDS`."""


SLOW_SECONDS = 0.7
"""Less than any timeout of a sender, those of the trials too."""


class Conducts:
    """The conduct ordered for the next messages of each sink."""

    def __init__(self) -> None:
        self._ordered = dict.fromkeys(Kind, (Conduct.ACCEPT, 0))

    def order(self, kind: Kind, conduct: Conduct, times: int) -> None:
        """Behave so for the next `times` messages; replaces what was ordered before."""
        self._ordered[kind] = (conduct, times)

    def next(self, kind: Kind) -> Conduct:
        """Take the conduct for one message."""
        conduct, left = self._ordered[kind]
        if left <= 0:
            return Conduct.ACCEPT
        self._ordered[kind] = (conduct, left - 1)
        return conduct

    def left(self) -> dict[str, int]:
        """How many messages are still to be treated badly, by sink."""
        return {kind: left for kind, (_, left) in self._ordered.items()}
