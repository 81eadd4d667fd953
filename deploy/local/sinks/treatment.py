"""What becomes of a message that comes by HTTP: written down, and treated as one is told to behave."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from starlette.requests import Request

from deploy.local.sinks.conduct import SLOW_SECONDS, Conduct, Conducts
from deploy.local.sinks.logbook import Kind, Logbook
from deploy.local.sinks.receipts import Receipts

REFUSING = frozenset({Conduct.REFUSE, Conduct.REJECT, Conduct.THROTTLE})
"""Conducts that take no message; each provider says so in its own way."""


class Arrival(NamedTuple):
    """A message as it came."""

    kind: Kind
    reference: str
    to: str
    text: str


class Treatment:
    """Takes messages, unless told to behave badly, and sends receipts of those taken."""

    def __init__(self, logbook: Logbook, conducts: Conducts, receipts: Receipts) -> None:
        self._logbook, self._conducts, self._receipts = logbook, conducts, receipts
        self._silent: set[str] = set()

    async def of(self, request: Request, arrival: Arrival) -> Conduct:
        """Treat one message as it is its turn to be; answers how. Of those that are withheld nobody hears again."""
        kind, reference, to, text = arrival
        conduct = self._conducts.next(kind)
        if conduct in REFUSING:
            return conduct
        repeat = self._logbook.arrived(kind, reference, to=to, text=text)
        if conduct is Conduct.WITHHOLD:
            self._silent.add(reference)
            while (await request.receive())["type"] != "http.disconnect":
                continue
        elif not repeat or reference in self._silent:
            self._silent.discard(reference)
            for _ in range(2 if conduct is Conduct.RECEIPT_TWICE else 1):
                self._receipts.add(reference)
        if conduct is Conduct.RECEIPT_FIRST:
            await self._receipts.taken()
        if conduct is Conduct.SLOW:
            await asyncio.sleep(SLOW_SECONDS)
        return conduct
