"""One turn of delivery: address notices, claim messages, call the channels, record what they answered.

The state `sending` is committed before anybody is called, and no transaction is open during a call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID, uuid5

import structlog
from prometheus_client import Histogram
from pydantic import ValidationError

from services.notification.domain.letters import Letter
from services.notification.domain.messages import Answer, NoticeState, Reason, Result, State, after_call
from services.notification.domain.wording import TextError, Wording
from services.notification.handlers.outcomes import Outcomes, spread_of
from services.notification.repository import messages, requests
from services.notification.repository.messages import Message
from services.notification.repository.requests import Addressed, NewMessage
from shared.contracts.facts import Channel
from shared.database import UNAVAILABLE, Connection, transaction
from shared.sealing import Contact, KeyringReader, Purpose, SealBroken, associated_data, open_sealed

SECONDS = Histogram("motcua_notice_call_duration_seconds", "Time of a call to a channel.", ["channel"])
BATCH = 128
CALLS_AT_ONCE: Mapping[Channel, int] = {Channel.SMS: 16, Channel.EMAIL: 4}
RECORD_RETRY_SECONDS = 0.2
LOST = Result(Answer.LOST)

log = structlog.get_logger()


class Sender(Protocol):
    """A channel."""

    async def send(self, letter: Letter) -> Result:
        """Hand one message over; never raises for what the other side does."""
        ...

    async def close(self) -> None:
        """End its connections."""
        ...


@dataclass(frozen=True)
class Claimed:
    """Messages that are ours until the lease ends, and the data keys that open them."""

    messages: Sequence[Message]
    keys: Mapping[str, bytes]
    begun: float

    def __len__(self) -> int:
        """Return how many."""
        return len(self.messages)


class Sending:
    """The use cases of the delivery loop. `lease` is how long a claimed message is ours, machine time."""

    def __init__(
        self,
        outcomes: Outcomes,
        keyring: KeyringReader,
        senders: Mapping[Channel, Sender],
        wording: Wording,
        *,
        tracking_page: str,
        lease: timedelta,
        machine_now: Callable[[], datetime],
    ) -> None:
        self._outcomes, self._pool = outcomes, outcomes.pool
        self._keyring, self._senders, self._wording = keyring, senders, wording
        self._tracking_page, self._lease, self._machine_now = tracking_page, lease, machine_now
        self._slots = {channel: asyncio.Semaphore(CALLS_AT_ONCE[channel]) for channel in senders}

    async def address(self) -> int:
        """Make messages of notices whose contact has come; give up those that waited too long; answer how many."""
        now, legal_now = self._machine_now(), self._outcomes.clock.now()
        async with transaction(self._pool) as tx:
            found = await requests.lock_addressable(tx, BATCH * 4)
            reachable = [entry for entry in found if entry.contact.channels]
            if found:
                queued = [message for entry in reachable for message in _messages(entry)]
                await requests.queue(tx, queued, wake_at=now, changed_at=legal_now)
                await requests.mark(tx, [entry.fact_id for entry in reachable], NoticeState.ADDRESSED)
                silent = [entry.fact_id for entry in found if not entry.contact.channels]
                await requests.mark(tx, silent, NoticeState.UNREACHABLE)
            return len(found) + await requests.give_up_waiting(tx, now)

    async def claim(self) -> Claimed:
        """Commit messages that are due as `sending`; those that a killed sender left are judged at once."""
        now, begun = self._machine_now(), time.monotonic()
        async with transaction(self._pool) as tx:
            found = await messages.claim(tx, now=now, limit=BATCH, lease_until=now + self._lease)
            await self._judge_left_over(tx, [message for message in found if message.was is State.SENDING], now)
            fresh = [message for message in found if message.was is not State.SENDING]
            keys = await self._keyring.data_keys({message.code for message in fresh}, tx) if fresh else {}
        return Claimed(fresh, keys, begun)

    async def send(self, claimed: Claimed) -> None:
        """Call the channels for all claimed messages at once, then record the results."""
        results = await asyncio.gather(*(self._call(claimed, message) for message in claimed.messages))
        called = list(zip(claimed.messages, results, strict=True))
        while True:
            try:
                await self._outcomes.after_calls(called, self._machine_now())
            except UNAVAILABLE as error:
                if time.monotonic() - claimed.begun > self._lease.total_seconds():
                    raise
                log.warning("results wait", error=type(error).__name__, messages=len(called))
                await asyncio.sleep(RECORD_RETRY_SECONDS)
            else:
                return

    async def _judge_left_over(self, tx: Connection, found: Sequence[Message], now: datetime) -> None:
        changes = [(message, after_call(message.progress, LOST, now, spread_of(message.id))) for message in found]
        if changes:
            log.warning("messages left over by a sender", messages=len(changes))
        await self._outcomes.save(tx, changes)

    async def _call(self, claimed: Claimed, message: Message) -> Result:
        letter = self._write(message, claimed.keys.get(message.code))
        if isinstance(letter, Reason):
            return Result(Answer.REJECTED, letter)
        async with self._slots[message.channel]:
            # What would not be answered before the lease ends is not begun.
            if time.monotonic() - claimed.begun > self._lease.total_seconds() / 2:
                return Result(Answer.NOT_BEGUN)
            with SECONDS.labels(message.channel).time():
                return await self._senders[message.channel].send(letter)

    def _write(self, message: Message, key: bytes | None) -> Letter | Reason:
        """Open the contact and write the text; the plain number lives only as long as the call."""
        if key is None:
            return Reason.PEOPLE_ERASED
        try:
            opened = open_sealed(key, message.sealed, associated_data(message.code, Purpose.CONTACT))
            contact = Contact.model_validate_json(opened)
        except (SealBroken, ValidationError):
            return Reason.UNREADABLE
        to = contact.phone if message.channel is Channel.SMS else contact.email
        if not to:
            return Reason.ADDRESS_MISSING
        shown = {
            "code": message.code,
            "tracking_page": self._tracking_page,
            "tracking_secret": contact.tracking_secret,
            **message.parameters,
        }
        try:
            text = self._wording.render(message.progress.template, message.language, message.channel, shown)
        except TextError as error:
            log.error("text cannot be written", reason=str(error))  # noqa: TRY400 - the reason says where
            return Reason.TEXT_FAULTY
        return Letter(str(message.id), to, text, self._machine_now())


def message_id(fact_id: UUID, channel: Channel) -> UUID:
    """Name the message of a fact on a channel: the same name whenever it is asked."""
    return uuid5(fact_id, channel)


def _messages(entry: Addressed) -> list[NewMessage]:
    contact = entry.contact
    return [
        NewMessage(message_id(entry.fact_id, channel), entry.fact_id, channel, contact.language, contact.sealed)
        for channel in contact.channels
    ]
