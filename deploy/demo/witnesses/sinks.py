"""The witness of what citizens got: the sinks' own log, held against the policies of notices.

A message may come twice only where its sender was killed between the call and the record, and soon after the kill;
never where its notice is sent at most once. What the law wants told arrived at least once. Any other message is
missing, and any is of unknown fate in the end, only where a kill left it in nobody's hands, which the database says of
it and when it was found out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, TypeAlias

import asyncpg

from services.notification.domain.messages import State
from services.notification.domain.notices import POLICIES, Policy
from services.notification.domain.retry import DELAYS_AFTER_LOSS
from shared.contracts.facts import NoticeUnknown

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Span = tuple[datetime, datetime]
"""From a kill until the killed part was ready again; machine time."""

FIRST_DELAY = DELAYS_AFTER_LOSS[0] * 1.25
"""With all of its jitter."""
RECOVERY = timedelta(seconds=30)
"""What a loaded machine may add: the next look at what is due, and senders that stood still and wait a lease anew."""

MESSAGES = """
with lost as (
    select convert_from(body, 'UTF8')::jsonb ->> 'message_id' as id, min(recorded_at) as found_out
    from notification.journal
    where type = $1
    group by 1
)
select m.id::text, n.template, m.state, lost.found_out
from notification.messages as m
join notification.notices as n using (fact_id)
left join lost on lost.id = m.id::text
"""


@dataclass(frozen=True)
class Standing:
    """How a message stands in the end; `found_out`: when nobody knew of it for the first time, machine time."""

    policy: Policy
    state: str
    found_out: datetime | None = None


@dataclass(frozen=True)
class Leave:
    """What one kill excuses: what was called for from `since` on, and judged and sent again no later than `until`."""

    kill: Span
    since: datetime
    until: datetime

    def to_double(self, first: datetime, again: datetime) -> bool:
        """Whether the kill may have come between a call and its record, and the message again because of it."""
        began, over = self.kill
        return self.since <= first <= over and began <= again <= self.until

    def to_judge(self, found_out: datetime | None) -> bool:
        """Whether a message that nobody knew of at this moment may be one that the kill caught."""
        return found_out is not None and self.kill[0] <= found_out <= self.until


def leaves_of(kills: Iterable[Span], outages: Sequence[Span], lease: timedelta) -> list[Leave]:
    """Bound each kill by leases, which run anew after every outage of the database that falls into them.

    Before the kill: an answer is kept no longer than the lease, and as long as it cannot be written down. After it: two
    leases, counted from when a process could look again (who has not been in touch with the database for a whole one
    may not judge, and gives another), the first delay, and `RECOVERY`.
    """
    return [_leave_of(kill, sorted(outages), lease) for kill in kills]


def _leave_of(kill: Span, outages: Sequence[Span], lease: timedelta) -> Leave:
    reach = 2 * lease + FIRST_DELAY + RECOVERY
    since, until = kill[0] - lease, kill[1] + reach
    for began, over in outages:
        if kill[0] <= over and began <= until:
            until = max(until, over + reach)
    for began, over in reversed(outages):
        if began <= kill[0] and since <= over:
            since = min(since, began - lease)
    return Leave(kill, since, until)


async def standings(connection: Connection) -> dict[str, Standing]:
    """Tell how each message stands, by its reference."""
    rows = await connection.fetch(MESSAGES, NoticeUnknown.TYPE)
    return {reference: Standing(POLICIES[template], state, found_out) for reference, template, state, found_out in rows}


def lost(
    arrivals: Iterable[Mapping[str, Any]], messages: Mapping[str, Standing], leaves: Sequence[Leave]
) -> Iterator[str]:
    """Say which messages never came or are of unknown fate although they should not be, and which nobody submitted.

    `leaves` are those of every kill that may leave a message behind: of a sender, or of the database, which may take
    the answer to a claim with it.
    """
    came = {line["reference"] for line in arrivals}
    for reference, message in sorted(messages.items()):
        if reference not in came and message.policy is Policy.AT_LEAST_ONCE:
            yield f"message {reference} is owed and never came"
        elif message.state == State.UNKNOWN:
            if not any(leave.to_judge(message.found_out) for leave in leaves):
                yield f"message {reference} stands as unknown, and nobody was killed who could have had it in hand"
        elif reference not in came:
            yield f"message {reference} never came and stands as {message.state}"
    yield from (f"message {reference} came and stands nowhere" for reference in sorted(came - messages.keys()))


def doubled_without_leave(
    arrivals: Iterable[Mapping[str, Any]], messages: Mapping[str, Standing], leaves: Sequence[Leave]
) -> Iterator[str]:
    """Say which messages came twice although no policy allows it; `leaves` are those of the senders' kills."""
    came: dict[str, list[datetime]] = defaultdict(list)
    said: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for line in arrivals:
        came[line["reference"]].append(datetime.fromisoformat(line["at"]))
        said[line["kind"], line["to"], line["text"]].add(line["reference"])
    for reference, moments in came.items():
        for first, again in pairwise(moments):
            if reference in messages and messages[reference].policy is Policy.AT_MOST_ONCE:
                yield f"message {reference} may come once and came again"
            elif not any(leave.to_double(first, again) for leave in leaves):
                yield f"message {reference} came again, and nobody was killed in between and shortly before"
    for references in said.values():
        if len(references) > 1:
            yield f"one citizen was told the same by the messages {', '.join(sorted(references))}"
