"""The witness of what citizens got: the sinks' own log, held against the policies of notices.

A message may come twice only where its sender was killed between the call and the record; never where its notice is
sent at most once. What the law wants told arrived at least once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, TypeAlias

import asyncpg

from services.notification.domain.notices import POLICIES, Policy

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Span = tuple[datetime, datetime]
"""From a kill until the killed part was ready again; machine time."""

MESSAGES = """
select messages.id::text, notices.template from notification.messages join notification.notices using (fact_id)
"""


async def policies_of_messages(connection: Connection) -> dict[str, Policy]:
    """Tell the policy of each message by its reference."""
    return {reference: POLICIES[template] for reference, template in await connection.fetch(MESSAGES)}


def lost(arrivals: Iterable[Mapping[str, Any]], policies: Mapping[str, Policy]) -> Iterator[str]:
    """Say which messages never came although they are owed, and which came that nobody owed."""
    came = {line["reference"] for line in arrivals}
    owed = {reference for reference, policy in policies.items() if policy is Policy.AT_LEAST_ONCE}
    yield from (f"message {reference} is owed and never came" for reference in sorted(owed - came))
    yield from (f"message {reference} came and stands nowhere" for reference in sorted(came - policies.keys()))


def doubled_without_leave(
    arrivals: Iterable[Mapping[str, Any]], kills: Sequence[Span], policies: Mapping[str, Policy]
) -> Iterator[str]:
    """Say which messages came twice although no policy allows it."""
    came: dict[str, list[datetime]] = defaultdict(list)
    said: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for line in arrivals:
        came[line["reference"]].append(datetime.fromisoformat(line["at"]))
        said[line["kind"], line["to"], line["text"]].add(line["reference"])
    for reference, moments in came.items():
        for first, again in pairwise(moments):
            if policies.get(reference) is Policy.AT_MOST_ONCE:
                yield f"message {reference} may come once and came again"
            elif not any(first <= over and began <= again for began, over in kills):
                yield f"message {reference} came again, and nobody was killed in between"
    for references in said.values():
        if len(references) > 1:
            yield f"one citizen was told the same by the messages {', '.join(sorted(references))}"
