"""Loading: portion by portion, each one transaction over the schemas of all services, all rows by COPY."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg

from deploy.load.planning import Sheaf, sheaves
from deploy.load.rows import Loaded, Recording, counts_of, rows_of
from deploy.provision.database import Connection
from services.intake.domain.attempts import Rules
from services.intake.repository.dossiers import next_numbers
from services.metrics.handlers.counting import keep_places
from services.metrics.repository import add_counts
from services.processing.domain.effects import result_number
from services.processing.repository.acting import draw_numbers
from shared.clocks import machine_now
from shared.contracts.facts import ResultNumbered
from shared.messaging.rules import RuleStore
from shared.observability import traced
from shared.rulebook.identifiers import DossierCode
from shared.sealing import KeyEncryptionKey

PORTION = 1000
"""At least so many dossiers share a transaction."""

_LOOK_FIRST_IN = "set local search_path to {schema}"
_GATHER_STATISTICS = "vacuum analyze"


@dataclass(frozen=True)
class Loader:
    """Loads an installation: the superuser's way to its database, for COPY does not pass row-level security.

    Numbers of places, days and registers are drawn as the services draw them, so that these may run meanwhile.
    """

    dsn: str
    rules: RuleStore
    kek: KeyEncryptionKey

    async def load(self, dossiers: int, now: datetime) -> AsyncIterator[int]:
        """Load so many dossiers as they stand at a legal moment; yields how many each portion has.

        What was yielded stays, whatever happens after. Raises NothingFits, Unready.
        """
        connection = await asyncpg.connect(self.dsn)
        try:
            written = 0
            for portion in _portions(sheaves(self._rules_on, now, dossiers)):
                async with connection.transaction():
                    loaded = await self._write(connection, portion, written + 1)
                written += loaded
                yield loaded
            await connection.execute(_GATHER_STATISTICS)
        finally:
            await connection.close()

    def _rules_on(self, day: date) -> Rules:
        rules = self.rules
        return Rules(rules.catalogue_on(day), rules.current_calendar(), rules.current_agencies())

    async def _write(self, tx: Connection, portion: Sequence[Sheaf], first_citizen: int) -> int:
        codes, numbers = await _codes(tx, portion), await _register_numbers(tx, portion)
        lives = [sheaf.life for sheaf in portion for _ in range(sheaf.dossiers)]
        dossiers = [
            Loaded(code, life, number, citizen)
            for citizen, (code, life, number) in enumerate(zip(codes, lives, numbers, strict=True), first_citizen)
        ]
        with traced(None) as trace:
            rows = rows_of(dossiers, Recording(self.kek, trace, machine_now()))
        for table, records in rows.items():
            await tx.copy_records_to_table(table.name, schema_name=table.schema, columns=table.columns, records=records)
        await tx.execute(_LOOK_FIRST_IN.format(schema="metrics"))
        await keep_places(tx, self.rules.current_agencies())
        await add_counts(tx, counts_of(dossiers))
        return len(dossiers)


def _portions(dealt: Iterable[Sheaf]) -> Iterator[list[Sheaf]]:
    portion: list[Sheaf] = []
    for sheaf in dealt:
        portion.append(sheaf)
        if sum(each.dossiers for each in portion) >= PORTION:
            yield portion
            portion = []
    if portion:
        yield portion


async def _codes(tx: Connection, portion: Sequence[Sheaf]) -> list[DossierCode]:
    """Draw the next numbers of each place and day, as intake does."""
    await tx.execute(_LOOK_FIRST_IN.format(schema="intake"))
    days = [(sheaf.life.acceptance.accepted_at.date(), sheaf) for sheaf in portion]
    drawn = {}
    for day in sorted({day for day, _ in days}):
        wanted = Counter[str]()
        for _, sheaf in (each for each in days if each[0] == day):
            wanted[sheaf.life.matter.place.code] += sheaf.dossiers
        drawn[day] = await next_numbers(tx, wanted, day)
    return [
        DossierCode(place, day, next(drawn[day][place]))
        for day, sheaf in days
        for place in [sheaf.life.matter.place.code] * sheaf.dossiers
    ]


async def _register_numbers(tx: Connection, portion: Sequence[Sheaf]) -> list[str | None]:
    """Draw the next numbers of each agency's register of a year, as processing does; none for what has no number."""
    await tx.execute(_LOOK_FIRST_IN.format(schema="processing"))
    registers = [_register(sheaf) for sheaf in portion]
    drawn = {}
    for year in sorted({register[0] for register in registers if register is not None}):
        wanted = Counter[str]()
        for register, sheaf in zip(registers, portion, strict=True):
            if register is not None and register[0] == year:
                wanted[register[1]] += sheaf.dossiers
        drawn[year] = await draw_numbers(tx, wanted, year)
    return [
        None if register is None else result_number(next(drawn[register[0]][register[1]]), *register)
        for register, sheaf in zip(registers, portion, strict=True)
        for _ in range(sheaf.dossiers)
    ]


def _register(sheaf: Sheaf) -> tuple[int, str] | None:
    """Say by which year's register of which agency a life is numbered."""
    for each in sheaf.life.facts:
        if isinstance(each.fact, ResultNumbered):
            return each.legal_time.year, each.fact.agency
    return None
