"""What the seeds play with: the town of each, and, worked out once, the law's rules, every case and its timers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from uuid import UUID

from services.processing.domain.timers import Timer
from shared.contracts.facts import DossierAccepted, RulesPublished
from shared.contracts.topics import LIFECYCLE, RULES
from shared.messaging.envelope import encode_headers
from shared.messaging.journal import Draft
from shared.messaging.rules import RuleStore
from shared.rulebook.loader import load_seed
from shared.settings import KafkaSettings
from tests.simulation.broker import Broker, Group, Stored
from tests.simulation.clocks import Clocks
from tests.simulation.ledger import Filing, Ledger
from tests.unit.processing.office import MONDAY, accepted, kinds, opened, rules

DOSSIERS = (1, 1, 2, 3)
"""How many a seed may have: one alone comes further."""

POISONED = 0.1
"""The share of dossiers with a fact that no consumer can handle."""


@dataclass(frozen=True)
class Town:
    """What the lives of one seed work with."""

    broker: Broker
    groups: dict[str, Group]
    clocks: Clocks
    ledger: Ledger
    rules: RuleStore


@cache
def rule_store() -> RuleStore:
    """Publish the seed's rules under the names that the facts give them."""
    store, seed, named = RuleStore(KafkaSettings(bootstrap_servers="nowhere")), load_seed(), rules()
    contents = {
        named.catalogue.version: ("catalogue", seed.catalogue),
        named.calendar.version: ("calendar", seed.calendar),
        named.agencies.version: ("agencies", seed.agencies),
    }
    for offset, (version, (rule_set, content)) in enumerate(contents.items()):
        fact = RulesPublished(rule_set=rule_set, version=version, content=content)
        headers = encode_headers(
            fact_id=UUID(int=offset),
            fact_type=fact.TYPE,
            source="intake",
            subject=rule_set,
            legal_time=MONDAY,
            partition_key=rule_set,
            seq=1,
        )
        store.add(Stored(RULES.name, 0, offset, headers, fact.model_dump_json().encode()))
    return store


@cache
def _kinds() -> Sequence[tuple[DossierAccepted, Sequence[Timer]]]:
    return [(accepted(kind), opened(kind).timers) for kind in kinds()]


def filings(rng: Random) -> tuple[list[Filing], dict[str, Sequence[Timer]]]:
    """Choose the dossiers of a seed; answers them, and by their codes the timers that each of them will have."""
    filed, timers = [], {}
    for number, (fact, alarms) in enumerate(rng.choices(_kinds(), k=rng.choice(DOSSIERS)), start=1):
        code = f"{fact.received_by}-200302-{number:04}"
        draft = Draft(LIFECYCLE.name, code, fact, MONDAY)
        # Nobody can accept a dossier twice: the second fact is poison to every consumer.
        drafts = (draft, draft) if rng.random() < POISONED else (draft,)
        filed.append(Filing(key=f"filing-{number}", code=code, drafts=drafts))
        timers[code] = alarms
    return filed, timers
