"""SQL of the roots of journals that were published: who shows them to the public keeps them, and only adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.contracts.topics import TOPICS
from shared.database import Connection, columns

JOURNALS = tuple(sorted({service for topic in TOPICS for service in topic.writers}))
"""Services that have a journal."""


@dataclass(frozen=True)
class PublishedRoot:
    """One journal as it was published (machine time): how many chains and facts, and the root over all heads."""

    published_at: datetime
    service: str
    chains: int
    facts: int
    root: str


ADD_ROOTS = """
insert into published_roots (published_at, service, chains, facts, root)
select * from unnest($1::timestamptz[], $2::text[], $3::bigint[], $4::bigint[], $5::text[])
"""


async def add_roots(tx: Connection, roots: Sequence[PublishedRoot]) -> None:
    """Add what is published now."""
    rows = ((each.published_at, each.service, each.chains, each.facts, each.root) for each in roots)
    await tx.execute(ADD_ROOTS, *columns(rows, 5))


LAST_PUBLISHED = """
select published_at from published_roots order by ordinal desc limit 1
"""


async def last_published(tx: Connection) -> datetime | None:
    """Say when something was published last (machine time); None before the first time."""
    found: datetime | None = await tx.fetchval(LAST_PUBLISHED)
    return found


ROOTS = """
select ordinal, published_at, service, chains, facts, root
from published_roots
where ordinal < coalesce($1, ordinal + 1)
order by ordinal desc
limit $2
"""


async def published_roots(tx: Connection, before: int | None, limit: int) -> list[tuple[int, PublishedRoot]]:
    """List what was published, newest first, each under its ordinal; only what came before one if it is given."""
    rows = [dict(row) for row in await tx.fetch(ROOTS, before, limit)]
    return [(row.pop("ordinal"), PublishedRoot(**row)) for row in rows]
