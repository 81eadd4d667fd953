"""What officers and operators may read."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from services.notification.repository import figures
from services.notification.repository.figures import ToldNotice
from services.notification.repository.requests import Dossier
from shared.auth import Principal, agency_not_allowed
from shared.clocks import machine_now
from shared.database import Pool, transaction
from shared.http.problems import Problem
from shared.messaging.quiet import QuietFigures, quiet_figures
from shared.messaging.rules import RuleStore
from shared.rulebook.agencies import UnknownAgency, contains


class Quiet(QuietFigures):
    """Messaging's figures and what waits here."""

    timers_due: int
    messages_waiting: int


class Reading:
    """Answers of the API."""

    def __init__(self, pool: Pool, rules: RuleStore) -> None:
        self._pool = pool
        self._rules = rules

    async def notices(self, principal: Principal, code: str) -> list[ToldNotice]:
        """List the notices of a dossier.

        Raises Problem: `dossier_unknown` (404), `agency_not_allowed` (403).
        """
        async with transaction(self._pool) as tx:
            dossier = await figures.find_dossier(tx, code)
            if dossier is None:
                raise Problem(HTTPStatus.NOT_FOUND, "dossier_unknown", "No dossier has this code here.")
            self._refuse_strangers(principal, dossier)
            return await figures.notices_of(tx, code, machine_now())

    async def summary(self) -> Mapping[str, int]:
        """Count messages by what became of them."""
        async with transaction(self._pool) as tx:
            return await figures.summarise(tx, machine_now())

    async def waiting(self) -> int:
        """Count what is not at an end; cheap however much was ever told."""
        async with transaction(self._pool) as tx:
            return await figures.count_waiting(tx, machine_now())

    async def quiet(self) -> Quiet:
        """Tell whether anything waits, computed now."""
        async with transaction(self._pool) as tx:
            counted = await quiet_figures(tx)
            waiting = await figures.count_waiting(tx, machine_now())
        return Quiet(**counted.model_dump(), timers_due=0, messages_waiting=waiting)

    def _refuse_strangers(self, principal: Principal, dossier: Dossier) -> None:
        try:
            path = self._rules.current_agencies().get(principal.agency).path
        except UnknownAgency as error:
            raise agency_not_allowed() from error
        if not (contains(path, dossier.received_path) or contains(path, dossier.competent_path)):
            raise agency_not_allowed()
