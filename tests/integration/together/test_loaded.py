"""`motcua load` on all parts: what it loads looks as what was really handed in, and goes on the same way."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import asyncpg
import pytest

from deploy.demo.offices import Item, Officer
from deploy.demo.plan import Arrival
from deploy.provision.database import OWNER
from shared.clocks import OFFICE_ZONE
from shared.messaging.journal import verify_chain
from shared.rulebook.agencies import Agencies
from shared.rulebook.loader import load_seed, parse_catalogue
from tests.faults.town import act_on
from tests.integration.intake.counter import Counter
from tests.integration.together.everywhere import Everywhere
from tests.operating import motcua, succeed

LOADED = 20
OVER, PROCESSING = 10, 4
NOTED = "select version, processing_state, state, papers_asked from intake.dossiers where code = $1"
STATES = "select code, state from processing.cases where code = any($1::text[])"
ABOUT_DOSSIERS = """
select distinct table_schema || '.' || table_name as name, column_name as key
from information_schema.columns join information_schema.tables using (table_schema, table_name)
where table_schema in ('intake', 'processing', 'notification', 'metrics', 'keyring')
    and column_name in ('code', 'subject') and table_type = 'BASE TABLE'
"""
NOT_LOADED = frozenset({"notification.notices", "notification.journal", "notification.journal_heads", "intake.reads"})
"""Nobody is told of a loaded dossier, so nothing became of that; and nobody has read it."""
numbers = itertools.count(900_001)


@pytest.fixture(scope="module")
async def loaded(everywhere: Everywhere, counter: Counter) -> dict[str, int]:
    """Load some, as an operator does; answers the state of each by its code."""
    before = {code for (code,) in await everywhere.database.fetch("select code from processing.cases")}
    monday = datetime(2020, 1, 6, 8, 0, tzinfo=OFFICE_ZONE)
    counter.move_clock(max(counter.now(), monday))
    told = await succeed(everywhere.stack, "load", "--dossiers", str(LOADED), "--yes")
    assert told.strip() == f"{LOADED} dossiers loaded"
    rows = await everywhere.database.fetch("select code, state from processing.cases")
    return {row["code"]: row["state"] for row in rows if row["code"] not in before}


async def shape(everywhere: Everywhere, code: str) -> dict[str, Any]:
    """Table → column → whether it was ever empty, and ever filled, in the rows of a dossier."""
    found: dict[str, Any] = {}
    for table in await everywhere.database.fetch(ABOUT_DOSSIERS):
        query = f"select to_jsonb(row) from {table['name']} as row where {table['key']} = $1"
        columns: Mapping[str, set[bool]] = defaultdict(set)
        for (row,) in await everywhere.database.fetch(query, code):
            for name, value in json.loads(row).items():
                columns[name].add(value in (None, "", [], "{}"))
        if columns and "journal_" not in table["name"].replace("journal_heads", ""):
            found[table["name"]] = dict(columns)
    return found


async def test_all_come_to_rest_and_their_clocks_and_chains_hold(
    everywhere: Everywhere, loaded: Mapping[str, int]
) -> None:
    assert sum(state == OVER for state in loaded.values()) == LOADED * 9 // 10
    await everywhere.rest()
    _, differing, said = await motcua(everywhere.stack, "verify", "clocks", "--json")
    assert "facts" in said
    assert not {json.loads(line)["code"] for line in differing.splitlines()} & loaded.keys()
    for service in ("intake", "processing"):
        owner = await asyncpg.connect(everywhere.stack.dsn(OWNER), server_settings={"search_path": service})
        async with owner.transaction():
            assert [breach for code in loaded async for breach in verify_chain(owner, code)] == []
        await owner.close()


async def test_a_loaded_dossier_has_the_shape_of_one_that_was_handed_in_and_handed_over(
    everywhere: Everywhere, counter: Counter, agencies: Agencies, loaded: Mapping[str, int]
) -> None:
    code = next(code for code, state in loaded.items() if state == OVER)
    row = await everywhere.database.fetchrow("select * from intake.dossiers where code = $1", code)
    assert row is not None
    kind = parse_catalogue("seed", load_seed().catalogue).case(row["procedure_code"], row["case_code"])
    offices = everywhere.stage.offices
    arrival = Arrival(next(numbers), counter.now(), agencies.get(row["place"]), row["area_code"], kind)
    entry = await offices.file(arrival)
    await everywhere.rest()
    item = next(item for item in await offices.worklist(Officer(row["place"], "desk")) if item.code == entry.code)
    _, owed = await act_on(offices, item, item.duties[0], 30)
    assert owed is None
    await everywhere.rest()
    real, found = await shape(everywhere, entry.code), await shape(everywhere, code)
    assert found == {name: columns for name, columns in real.items() if name not in NOT_LOADED}
    assert await everywhere.database.fetchrow(NOTED, code) == await everywhere.database.fetchrow(NOTED, entry.code)


async def test_the_tenth_goes_on_to_its_end_in_every_service(everywhere: Everywhere, loaded: Mapping[str, int]) -> None:
    under_way = [code for code, state in loaded.items() if state != OVER]
    for code in under_way:
        items = [item for item in await _listed(everywhere, code) if item.code == code]
        _, owed = await act_on(everywhere.stage.offices, items[0], items[0].duties[0], 30)
        assert owed is None
    after = await everywhere.look()
    assert {f"{code} result_ready" for code in under_way if loaded[code] == PROCESSING} <= after["notices"].keys()
    assert set(under_way) <= after["closed"].keys()
    states = await everywhere.database.fetch(STATES, under_way)
    assert {row["state"] for row in states} == {OVER}
    assert not any([await everywhere.parked(code) for code in under_way])


async def _listed(everywhere: Everywhere, code: str) -> list[Item]:
    owed = await everywhere.database.fetch(
        "select agency, role, holder from processing.duties where code = $1 order by step_no, action", code
    )
    office = Officer(owed[0]["agency"], owed[0]["role"])
    return await everywhere.stage.offices.worklist(office)


async def test_what_the_disk_does_not_hold_is_refused_before_it_begins(everywhere: Everywhere) -> None:
    count = "select count(*) from processing.cases"
    before = await everywhere.database.fetchval(count)
    code, _, said = await motcua(everywhere.stack, "load", "--dossiers", "1000000000", "--yes")
    assert code == 1
    assert "1,000,000,000 dossiers: about" in said
    assert "the disk does not hold them" in said
    assert await everywhere.database.fetchval(count) == before
