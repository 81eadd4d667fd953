"""What officers and operators may read."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from services.notification.repository import figures
from services.notification.repository.figures import ToldNotice
from shared.auth import Principal, paths_of
from shared.clocks import LegalClock, machine_now
from shared.database import CallersPool, Pool, Scope, autocommit, transaction
from shared.http.problems import Problem
from shared.messaging.quiet import QuietFigures, quiet_figures
from shared.messaging.rules import RuleStore


class Reading:
    """Answers of the API."""

    def __init__(self, pool: Pool, rules: RuleStore, clock: LegalClock) -> None:
        self._pool = pool
        self._callers = CallersPool(pool, "notification")
        self._rules = rules
        self._clock = clock

    async def notices(self, principal: Principal, code: str) -> list[ToldNotice]:
        """List the notices of a dossier that the caller's subtree received or decides.

        Raises Problem: 404 `dossier_unknown` for every other, known or not; 403 `agency_not_allowed` for an agency that
        is not in force today.
        """
        paths = paths_of(principal, self._rules.current_agencies(), self._clock.now().date())
        async with self._callers.transaction(Scope(paths)) as tx:
            if not await figures.is_visible(tx, code, paths):
                raise Problem(HTTPStatus.NOT_FOUND, "dossier_unknown", "No such dossier is open to you.")
            return await figures.notices_of(tx, code, machine_now())

    async def summary(self) -> Mapping[str, int]:
        """Count all messages by what became of them: no officer's business, for it is not his subtree's."""
        async with transaction(self._pool) as tx:
            return await figures.summarise(tx, machine_now())

    async def quiet(self) -> QuietFigures:
        """Tell whether anything waits, computed now."""
        async with autocommit(self._pool) as database:
            return await quiet_figures(database, messages_waiting=await figures.count_waiting(database, machine_now()))
