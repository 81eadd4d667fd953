"""The epidemic brake: when so many dossiers fail at once, the fault is hardly theirs, and nothing more is parked.

It has no state of its own: it is read from the parking table at each parking, so it holds for every replica and after a
restart. It opens by itself: when what was parked is replayed or dropped, when handlers no longer fail, or as the
window passes; whoever does nothing gets at most 20 dossiers parked in any five minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.database import Connection
from shared.messaging.faults import Epidemic

WINDOW = timedelta(minutes=5)
REMEDY = "nothing more is parked; see `motcua parked list`, mend what fails there, then `motcua parked replay`"


@dataclass(frozen=True)
class Outbreak:
    """Dossiers that failed within the window, in all topics of a service.

    `here` are those of them that stand in the present batch of so many `facts`. A record that names no dossier counts
    as one: nobody knows whose it is.
    """

    recent: int
    here: int
    facts: int


@dataclass(frozen=True)
class Limit:
    """More dossiers than `most` is an epidemic. Words of `said` follow the number."""

    said: str
    counted: Callable[[Outbreak], int]
    most: Callable[[Outbreak], int]


LEAST_IN_A_BATCH = 5
"""One per cent of a full batch (500). Of a smaller batch a per cent says nothing: one poison among ten facts is ten of
them, and where facts come one by one each poison is all of its batch."""

LIMITS = (
    Limit("dossiers parked within 5 minutes", lambda seen: seen.recent, lambda _: 20),
    Limit(
        "dossiers of one batch parked", lambda seen: seen.here, lambda seen: max(LEAST_IN_A_BATCH, seen.facts // 100)
    ),
)


def epidemic(seen: Outbreak) -> str:
    """Say which limit is passed; nothing while none is."""
    passed = (
        f"more than {limit.most(seen)} {limit.said}" for limit in LIMITS if limit.counted(seen) > limit.most(seen)
    )
    return next(passed, "")


@dataclass(frozen=True)
class Ward:
    """The batch at which the brake looks: its topic, how many facts it holds, and the dossiers (or places) in it."""

    topic: str
    facts: int
    patients: Collection[str]


def place_name(partition: int, offset: int) -> str:
    """Name a record that names no dossier."""
    return f"{partition}/{offset}"


COUNT = """
with recent as (
    select distinct topic, coalesce(subject, partition || '/' || "offset") as patient
    from parked
    where kind in ('poison', 'undecodable') and parked_at > $1
)
select count(*) as recent, count(*) filter (where topic = $2 and patient = any($3::text[])) as here from recent
"""


async def brake(tx: Connection, ward: Ward, machine_time: datetime) -> None:
    """Look after a parking and before its commit. Raises Epidemic, which takes that parking back."""
    row = await tx.fetchrow(COUNT, machine_time - WINDOW, ward.topic, list(ward.patients))
    if row is not None and (reason := epidemic(Outbreak(row["recent"], row["here"], ward.facts))):
        raise Epidemic(f"{reason}: {REMEDY}")
