"""What became of messages: written down and told in one transaction, after calls and after receipts alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from prometheus_client import Counter

from services.notification.domain.messages import (
    Change,
    Reason,
    ReceiptStatus,
    Result,
    State,
    Told,
    after_call,
    after_receipt,
)
from services.notification.repository import messages, requests
from services.notification.repository.messages import Message
from services.notification.repository.requests import NewMessage
from shared.clocks import LegalClock
from shared.contracts import facts
from shared.contracts.facts import Channel
from shared.contracts.topics import OUTCOMES
from shared.database import Connection, Pool, transaction
from shared.messaging.journal import Draft, Journal
from shared.messaging.leases import database_now

TOLD = Counter("motcua_notice_outcomes_total", "Outcomes of messages told as facts.", ["channel", "outcome"])
RECEIPTS = Counter("motcua_notice_receipts_total", "Receipts, by what they changed.", ["effect"])

FACTS: Mapping[Told, type[facts.NoticeFact]] = {
    Told.HANDED_OVER: facts.NoticeHandedOver,
    Told.DELIVERED: facts.NoticeDelivered,
    Told.FAILED: facts.NoticeFailed,
    Told.UNKNOWN: facts.NoticeUnknown,
}

Changes = Sequence[tuple[Message, Change]]


@dataclass(frozen=True)
class Outcomes:
    """Writes changes of messages and tells them."""

    pool: Pool
    journal: Journal
    clock: LegalClock

    async def after_calls(self, called: Sequence[tuple[Message, Result]]) -> None:
        """Record the results of calls; what is tried again waits by the database's clock, as leases do.

        A message that is no more in this attempt is left alone: a receipt was faster, or the lease has ended.
        """
        results = {message.id: (message.progress.attempts, result) for message, result in called}
        async with transaction(self.pool) as tx:
            now = await database_now(tx)
            changes = list(_judged(await messages.lock(tx, results), results, now))
            await self.save(tx, changes)
            await self._tell_otherwise(tx, changes, now)

    async def _tell_otherwise(self, tx: Connection, changes: Changes, now: datetime) -> None:
        """Queue an SMS for whoever cannot be told by Zalo, unless he has one of the same fact already."""
        instead = [
            NewMessage(message_id(each.fact_id, Channel.SMS), each.fact_id, Channel.SMS, each.language, each.sealed)
            for each, change in changes
            if change.reason is Reason.NOT_ON_ZALO
        ]
        if instead:
            await requests.queue(tx, instead, wake_at=now, changed_at=self.clock.now())

    async def after_receipts(self, receipts: Mapping[UUID, Sequence[ReceiptStatus]]) -> int:
        """Apply receipts by reference; answers how many messages they changed."""
        async with transaction(self.pool) as tx:
            found = await messages.lock(tx, receipts)
            changes = list(_receipted(found, receipts))
            await self.save(tx, changes)
        RECEIPTS.labels("changed").inc(len(changes))
        RECEIPTS.labels("ignored").inc(len(receipts) - len(changes))
        return len(changes)

    async def save(self, tx: Connection, changes: Changes) -> None:
        """Write changes of locked messages and record their facts."""
        if not changes:
            return
        legal_now = self.clock.now()
        await messages.write(tx, changes, legal_now)
        await self.journal.append(tx, [draft for change in changes for draft in _drafts(*change, legal_now)])
        for message, change in changes:
            for told in change.told:
                TOLD.labels(message.channel, told).inc()


def message_id(fact_id: UUID, channel: Channel) -> UUID:
    """Name the message of a fact on a channel: the same name whenever it is asked."""
    return uuid5(fact_id, channel)


def spread_of(message: UUID) -> float:
    """Return a number in [0, 1) that belongs to the message: its share of the jitter."""
    return (message.int % 1024) / 1024


def _judged(
    found: Sequence[Message], results: Mapping[UUID, tuple[int, Result]], now: datetime
) -> Iterator[tuple[Message, Change]]:
    for message in found:
        attempts, result = results[message.id]
        if message.progress.state is State.SENDING and message.progress.attempts == attempts:
            yield message, after_call(message.progress, result, now, spread_of(message.id))


def _receipted(
    found: Sequence[Message], receipts: Mapping[UUID, Sequence[ReceiptStatus]]
) -> Iterator[tuple[Message, Change]]:
    for message in found:
        # Of several receipts in one batch the best news stands.
        status = ReceiptStatus.DELIVERED if ReceiptStatus.DELIVERED in receipts[message.id] else ReceiptStatus.FAILED
        if change := after_receipt(message.progress, status):
            yield message, change


def _drafts(message: Message, change: Change, legal_now: datetime) -> Iterator[Draft]:
    for told in change.told:
        said = {
            "message_id": str(message.id),
            "about": str(message.fact_id),
            "template": message.progress.template,
            "channel": message.channel,
        }
        if told is Told.FAILED:
            said["reason"] = str(change.reason)
        fact = FACTS[told].model_validate(said)
        yield Draft(OUTCOMES.name, message.code, fact, legal_now, trace_parent=message.trace_parent)
