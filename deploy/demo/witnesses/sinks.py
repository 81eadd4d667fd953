"""The witness of what citizens got: the sinks' own log, held against the policies of notices.

A message may come twice only where its sender, or the place where it is written down that it was sent, was killed
between the two; and never where its notice is sent at most once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from itertools import pairwise
from typing import Any, TypeAlias

import asyncpg

from services.notification.domain.notices import POLICIES, Policy

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Span = tuple[datetime, datetime]
"""From a kill until the killed part was ready again; machine time."""

TOLD_ONCE = """
select messages.id::text from notification.messages join notification.notices using (fact_id)
where notices.template = any($1)
"""


async def told_once(connection: Connection) -> set[str]:
    """Name the messages that must not come twice, whatever happens to their sender."""
    templates = [template for template, policy in POLICIES.items() if policy is Policy.AT_MOST_ONCE]
    return {reference for (reference,) in await connection.fetch(TOLD_ONCE, templates)}


def doubled_without_leave(
    arrivals: Iterable[Mapping[str, Any]], kills: Sequence[Span], once: AbstractSet[str]
) -> Iterator[str]:
    """Say which messages came twice although no policy allows it; `once` may not come twice at all."""
    came: dict[str, list[datetime]] = defaultdict(list)
    said: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for line in arrivals:
        came[line["reference"]].append(datetime.fromisoformat(line["at"]))
        said[line["kind"], line["to"], line["text"]].add(line["reference"])
    for reference, moments in came.items():
        for first, again in pairwise(moments):
            if reference in once:
                yield f"message {reference} may come once and came again"
            elif not any(first <= over and began <= again for began, over in kills):
                yield f"message {reference} came again, and nobody was killed in between"
    for references in said.values():
        if len(references) > 1:
            yield f"one citizen was told the same by the messages {', '.join(sorted(references))}"
