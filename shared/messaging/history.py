"""What the journal and the cursors of a service say of many dossiers, for whoever folds their history anew."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from shared.contracts.facts import FACTS, Fact
from shared.database import Connection


class Recorded(NamedTuple):
    """One fact of the journal, read."""

    subject: str
    seq: int
    fact: Fact
    legal_time: datetime


FACTS_OF = """
select subject, seq, type, legal_time, body from journal
where topic = $1 and subject = any($2::text[]) and type = any($3::text[])
order by subject, seq
"""


async def recorded(
    tx: Connection, topic: str, subjects: Collection[str], types: Collection[str]
) -> Mapping[str, list[Recorded]]:
    """Read the facts of these types and subjects; each subject's in its order."""
    found: dict[str, list[Recorded]] = {subject: [] for subject in subjects}
    for subject, seq, kind, legal_time, body in await tx.fetch(FACTS_OF, topic, subjects, types):
        found[subject].append(Recorded(subject, seq, FACTS[kind].model_validate_json(body), legal_time))
    return found


SUBJECTS_OF = """
select subject, min(seq) as seq from journal
where topic = $1 and type = $2 and subject > $3
group by subject
order by subject
limit $4
"""


async def subjects_of(tx: Connection, topic: str, kind: str, after: str, limit: int) -> dict[str, int]:
    """Read the next subjects of which a fact of this type is told, in their order, and the first one's sequence."""
    return {row["subject"]: row["seq"] for row in await tx.fetch(SUBJECTS_OF, topic, kind, after, limit)}


CHAIN = """
select seq, type, legal_time, recorded_at, body, hash from journal where topic = $1 and subject = $2 order by seq
"""


class Link(NamedTuple):
    """One fact in its chain, as it was recorded; `body` are its exact bytes, `hash` covers all before it too."""

    seq: int
    type: str
    legal_time: datetime
    recorded_at: datetime
    body: bytes
    hash: bytes


async def read_chain(tx: Connection, topic: str, subject: str) -> list[Link]:
    """Read every fact about a subject, in its order."""
    return [Link(*row) for row in await tx.fetch(CHAIN, topic, subject)]


APPLIED = """
select subject, seq from cursors where topic = $1 and source = $2 and subject = any($3::text[])
"""


async def applied(tx: Connection, topic: str, source: str, subjects: Collection[str]) -> Mapping[str, int]:
    """Read up to which sequence another service's facts are applied here, for the subjects of which any are."""
    return {row["subject"]: row["seq"] for row in await tx.fetch(APPLIED, topic, source, subjects)}
