"""A store of rule versions as the topic brings them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.clocks import OFFICE_ZONE
from shared.contracts.facts import RulesPublished
from shared.contracts.topics import RULES
from shared.messaging.envelope import encode_headers
from shared.messaging.rules import RuleStore
from shared.settings import KafkaSettings
from tests.unit.messaging.test_envelope import Wire

PUBLISHED_AT = datetime(2020, 1, 1, tzinfo=OFFICE_ZONE)


def published(versions: Iterable[tuple[str, str, dict[str, Any]]]) -> RuleStore:
    """Publish versions, given as rule set, id and content, one after the other."""
    store, numbers = RuleStore(KafkaSettings(bootstrap_servers="127.0.0.1:9")), Counter[str]()
    for place, (rule_set, version, content) in enumerate(versions):
        numbers[rule_set] += 1
        fact = RulesPublished(rule_set=rule_set, version=version, content=content)
        headers = encode_headers(
            fact_id=UUID(int=place),
            fact_type=fact.TYPE,
            source="intake",
            subject=rule_set,
            legal_time=PUBLISHED_AT,
            partition_key=version,
            seq=numbers[rule_set],
        )
        store.add(Wire(headers, fact.model_dump_json().encode(), topic=RULES.name, offset=place))
    return store
