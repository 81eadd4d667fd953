"""How often one client may come: a rate for each, in memory whose size never changes.

Each process counts for itself (ADR 40): two replicas let through twice as much.
"""

from __future__ import annotations

import ipaddress
import math
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus

from prometheus_client import Counter
from starlette.types import Scope

from shared.http.problems import Problem

REFUSED = Counter("motcua_http_refused_total", "Requests and connections refused by a limit of the edge.", ["limit"])
"""`limit` is the name of the setting, `MOTCUA_LIMITS__…`."""

SLOTS = 1 << 16


class Rate:
    """At most `amount` in `seconds`, and again as time passes (generic cell rate algorithm, ITU-T I.371).

    A client is a slot of a table, chosen by a hash that is salted anew in each process: nobody can choose whose slot
    he shares, and no number of clients makes the table larger.
    """

    def __init__(
        self, limit: str, amount: float, seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._refused = REFUSED.labels(limit)
        self._each, self._seconds = seconds / amount, seconds
        self._monotonic = monotonic
        self._due = array("d", bytes(8 * SLOTS))

    def take(self, client: str) -> None:
        """Count one request. Raises Problem 429 `too_many_requests` with Retry-After for one too many."""
        slot, now = hash(client) % SLOTS, self._monotonic()
        due = max(self._due[slot], now) + self._each
        if due > now + self._seconds + self._each / 2:
            self._refused.inc()
            wait = math.ceil(due - now - self._seconds)
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests", headers={"Retry-After": str(wait)})
        self._due[slot] = due

    def give_back(self, client: str) -> None:
        """Count one request less."""
        self._due[hash(client) % SLOTS] -= self._each

    @contextmanager
    def counting(self, client: str, error: type[Exception]) -> Iterator[None]:
        """Count what is done here only if it ends in such an error. Raises Problem 429 as `take` does."""
        self.take(client)
        counts = False
        try:
            yield
        except error:
            counts = True
            raise
        finally:
            if not counts:
                self.give_back(client)


def address_of(scope: Scope) -> str:
    """Name the address that a request came from; of IPv6 the /64, which one subscriber has whole."""
    host: str = (scope.get("client") or ("", 0))[0]
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:  # a proxy's word, which may be anything
        return host
    return str(address.ipv4_mapped or ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
