"""A lock that is lost is seen: the trials of `test_every_route` fail when a policy and its predicate are gone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import NamedTuple

import pytest

from deploy.local.services import not_ready
from shared.rulebook.agencies import Agencies
from tests.integration.together.everywhere import Everywhere
from tests.integration.together.rights import (
    ACT_AT_RECEPTION,
    LIST,
    LIST_AT_RECEPTION,
    READS,
    Filed,
    Misjudged,
    Route,
    misled,
    misled_at_reception,
    mislisted,
    mislisted_at_reception,
    misread,
    strangers,
)
from tests.waiting import until


class Plant(NamedTuple):
    """A process of a service that lost one predicate, while row-level security is gone from these tables.

    `route` shows it, or every read of one dossier where none is named.
    """

    service: str
    tables: tuple[str, ...]
    code: str
    route: Route | None = None


def without_predicate(
    service: str,
    module: str,
    statement: str,
    predicate: str,
    instead: str,
    *tables: str,
    also: str = "",
    route: Route | None = None,
) -> Plant:
    """Plant the loss of a predicate that stands in a statement."""
    lost = f"assert {predicate!r} in m.{statement}; m.{statement} = m.{statement}.replace({predicate!r}, {instead!r})"
    return Plant(service, tables, f"import services.{service}.{module} as m; {lost}; {also}", route)


EVERYBODY = "from services.processing.domain.cases import Case; Case.concerns = lambda *_: True"
PLANTS: Mapping[str, Plant] = {
    "processing.cases": Plant("processing", ("cases",), EVERYBODY),
    "processing.duties": without_predicate(
        *("processing", "repository.reading", "WORKLIST"),
        *("agency = $1 and role = $2", "$1::text is not null and $2::text is not null"),
        *("duties", "cases"),
        route=LIST,
    ),
    "intake.dossiers": without_predicate(
        *("intake", "repository.dossiers", "READ_VISIBLE_DOSSIER"),
        *("(d.received_path || '@' || d.area_code) ^@ any ($2::text[])", "$2::text[] is not null"),
        *("dossiers",),
    ),
    "intake.dossiers before acceptance": without_predicate(
        *("intake", "repository.registrations", "READ_REGISTRATION"),
        *("(received_path || '@' || area_code) ^@ any ($2::text[])", "$2::text[] is not null"),
        *("dossiers",),
    ),
    "intake.dossiers that wait": without_predicate(
        *("intake", "repository.registrations", "WAITING"),
        *("received_path = split_part(place.path, '@', 1)", "place.path is not null"),
        *("dossiers",),
        route=LIST_AT_RECEPTION,
    ),
    "intake.dossiers to be acted on": without_predicate(
        *("intake", "repository.registrations", "LOCK_REGISTRATION"),
        *("(received_path || '@' || area_code) ^@ any ($2::text[])", "$2::text[] is not null"),
        *("dossiers",),
        also="from services.intake.domain.registration import Actor; Actor.sees = lambda *_: True",
        route=ACT_AT_RECEPTION,
    ),
    "notification.dossiers": without_predicate(
        *("notification", "repository.figures", "VISIBLE"),
        *("(received_path || '@' || area_code) ^@ any ($2::text[])", "$2::text[] is not null"),
        *("dossiers",),
    ),
}
"""Rows that officers read by a predicate of its own → its loss. A list of duties is joined with the cases, so
these must be lost with it; all other tables are read only after their dossier was."""


SHOWN = {HTTPStatus.OK, HTTPStatus.SEE_OTHER}
"""How a dossier is shown to be there; the second sends its reader on."""


@asynccontextmanager
async def planted(everywhere: Everywhere, plant: Plant) -> AsyncIterator[str]:
    """Run a second process of a service with the fault in it; answers its name."""
    name = f"{plant.service}_2"
    code = f"{plant.code}\nimport runpy; runpy.run_module('services.{plant.service}', run_name='__main__')"
    environment = everywhere.stack.environment(name) | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with (everywhere.stack.folder.logs / f"{name}.planted.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, env=environment, stdout=log, stderr=log
        )
    try:

        async def ready() -> bool:
            assert process.returncode is None, "it ended by itself"
            return await not_ready(everywhere.stack.ports.of(name)) is None

        await until(ready)
        yield name
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


@pytest.mark.parametrize("table", PLANTS)
async def test_a_lost_policy_and_predicate_of_one_table_are_seen_by_these_trials(
    everywhere: Everywhere, dossiers: list[Filed], registration: Filed, agencies: Agencies, table: str
) -> None:
    plant = PLANTS[table]
    dossier = registration if plant.route in {LIST_AT_RECEPTION, ACT_AT_RECEPTION} else dossiers[0]
    of_strangers = set(strangers(agencies, dossier))

    async def misjudged(process: str) -> list[Misjudged]:
        if plant.route == LIST:
            return await mislisted(everywhere, agencies, [dossier], process)
        if plant.route == LIST_AT_RECEPTION:
            return await mislisted_at_reception(everywhere, agencies, dossier, process)
        if plant.route == ACT_AT_RECEPTION:
            return (await misled_at_reception(everywhere, agencies, dossier, process))[0]
        reads = [route for route in READS if route[0] == plant.service]
        wrong = [each for route in reads for each in (await misread(everywhere, agencies, route, dossier, process))[0]]
        assert all(each.status in SHOWN and dossier.code in each.told for each in wrong)
        if plant.service == "processing":
            acted, _ = await misled(everywhere, agencies, dossier, process)
            assert bool(acted) == bool(wrong)
        return wrong

    async def found(process: str) -> set[tuple[str, str]]:
        return {each.caller for each in await misjudged(process)} & of_strangers

    async with planted(everywhere, plant) as process:
        assert await found(process) == set(), "the policy alone keeps them out"
        async with everywhere.without_policies(plant.service, *plant.tables):
            assert await found(process)
