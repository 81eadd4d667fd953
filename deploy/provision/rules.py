"""The seed rules, version 1 of each set, recorded once in intake's journal; intake's relay publishes them."""

from __future__ import annotations

from datetime import datetime

from deploy.provision.database import OWNER, Connection
from shared.contracts.facts import RulesPublished
from shared.contracts.topics import RULES
from shared.messaging.journal import Draft, Journal
from shared.rulebook.loader import load_seed, version_id

SOURCE = "intake"
SEED_NUMBER = 1

AS_INTAKE = """
SET LOCAL ROLE {owner};
SET LOCAL search_path = intake;
SET LOCAL lock_timeout = '5s'
"""

RECORDED = """
SELECT partition_key FROM journal WHERE topic = $1
"""


async def seed_rules(connection: Connection, legal_time: datetime) -> list[str]:
    """Record the seed's versions that the journal does not hold yet; answer their ids.

    Raises LawDataError with every fault of the law's data.
    """
    seed = load_seed()
    contents = {"catalogue": seed.catalogue, "calendar": seed.calendar, "agencies": seed.agencies}
    versions = {kind: version_id(kind, SEED_NUMBER, content) for kind, content in contents.items()}
    async with connection.transaction():
        await connection.execute(AS_INTAKE.format(owner=OWNER))
        known = {row["partition_key"] for row in await connection.fetch(RECORDED, RULES.name)}
        drafts = [
            Draft(
                topic=RULES.name,
                subject=kind,
                fact=RulesPublished(rule_set=kind, version=versions[kind], content=content),
                legal_time=legal_time,
                partition_key=versions[kind],
            )
            for kind, content in contents.items()
            if versions[kind] not in known
        ]
        await Journal(SOURCE).append(connection, drafts)
    return [str(draft.partition_key) for draft in drafts]
