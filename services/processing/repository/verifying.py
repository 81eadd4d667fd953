"""Cases as they are stored, one portion after the other, for whoever holds them against their facts."""

from __future__ import annotations

from collections.abc import Collection

from services.processing.domain.cases import Case
from services.processing.repository.halting import read_standing
from services.processing.repository.reading import read_steps
from services.processing.repository.rows import CASE_COLUMNS, NOTHING_STANDS, case_of
from shared.database import Connection

PORTION = f"""
select {CASE_COLUMNS} from cases c where c.code > $1 order by c.code limit $2
"""  # noqa: S608 - names of the dataclass's fields


async def read_portion(tx: Connection, after: str, limit: int) -> list[Case]:
    """Read the next cases by code, with their steps; what other agencies were asked takes no part in any clock."""
    rows = await tx.fetch(PORTION, after, limit)
    steps, standing = await read_steps(tx, [row["code"] for row in rows]), await read_standing(tx, rows)
    return [case_of(row, steps.get(row["code"], ()), (), standing.get(row["code"], NOTHING_STANDS)) for row in rows]


COUNT_CASES = """
select count(*) from cases
"""


async def count_cases(tx: Connection) -> int:
    """Count the dossiers that were ever accepted here."""
    return int(await tx.fetchval(COUNT_CASES))


KNOWN = """
select code from cases where code = any($1::text[])
"""


async def known(tx: Connection, codes: Collection[str]) -> frozenset[str]:
    """Find those of these dossiers that have a case."""
    return frozenset(row["code"] for row in await tx.fetch(KNOWN, codes))
