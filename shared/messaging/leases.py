"""The clock of leases: PostgreSQL's, the one machine time that all processes of a service share."""

from __future__ import annotations

from datetime import datetime

from shared.database import Connection

NOW = "select clock_timestamp()"


async def database_now(database: Connection) -> datetime:
    """Read the clock by which several processes judge each other's leases, and how long answers are kept.

    Their own clocks may differ by more than a lease lasts. What only one process ever compares goes by `machine_now`.
    """
    now: datetime = await database.fetchval(NOW)
    return now
