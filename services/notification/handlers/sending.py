"""One turn of delivery: address notices, claim messages, call the channels, record what they answered.

The state `sending` is committed before anybody is called, and no transaction is open during a call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Protocol
from uuid import UUID

import structlog
from prometheus_client import Counter, Histogram
from pydantic import ValidationError

from services.notification.domain.letters import Letter
from services.notification.domain.messages import Answer, NoticeState, Reason, Result, State, after_call
from services.notification.domain.touch import Touch
from services.notification.domain.wording import TextError, Wording
from services.notification.handlers.outcomes import Outcomes, message_id, spread_of
from services.notification.repository import messages, requests
from services.notification.repository.messages import Message
from services.notification.repository.requests import Addressed, NewMessage
from shared.clocks import machine_now
from shared.contracts.facts import Channel
from shared.database import Connection, autocommit, transaction
from shared.messaging.faults import passes, reason_of
from shared.messaging.leases import database_now
from shared.sealing import Contact, KeyringReader, Purpose, SealBroken, associated_data, open_sealed

SECONDS = Histogram("motcua_notice_call_duration_seconds", "Time of a call to a channel.", ["channel"])
CALLS = Counter("motcua_notice_calls_total", "Attempts to hand a message over, by the answer.", ["channel", "answer"])
for _labels in product(Channel, Answer):
    CALLS.labels(*_labels)  # shown before the first call: to Prometheus an increase from nothing is none
BATCH = 128
CALLS_AT_ONCE: Mapping[Channel, int] = {Channel.SMS: 16, Channel.EMAIL: 4, Channel.ZALO: 8}
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
    addressed: int

    @property
    def found(self) -> int:
        """Say how much there was to do."""
        return self.addressed + len(self.messages)


class Sending:
    """The use cases of the delivery loop.

    `lease` is how long a claimed message is ours, by the database's clock; `call` how long one call may last at most.
    """

    def __init__(
        self,
        outcomes: Outcomes,
        keyring: KeyringReader,
        senders: Mapping[Channel, Sender],
        wording: Wording,
        *,
        tracking_page: str,
        lease: timedelta,
        call: timedelta,
    ) -> None:
        self._outcomes, self._pool = outcomes, outcomes.pool
        self._keyring, self._senders, self._wording = keyring, senders, wording
        self._tracking_page, self._lease = tracking_page, lease
        # Half of what the last call leaves of the lease: the other half is for writing the results down.
        self._begin_seconds = (lease - call).total_seconds() / 2
        # Half of that again: an outage that nobody notices leaves time for writing down too.
        self._touch = Touch(self._begin_seconds / 2)
        self._in_hand: set[UUID] = set()
        self._slots = {channel: asyncio.Semaphore(CALLS_AT_ONCE[channel]) for channel in senders}

    async def claim(self, *, room: bool) -> Claimed:
        """Make messages of notices whose contact has come; commit what is due as `sending`. Without room, only look.

        What another sender left in `sending` is judged without a call, by whoever has been in touch with the database
        for a whole lease. Anybody else gives it a new one, as he does to what is in his own hands: after an outage a
        sender that lives first writes down what it was answered.
        """
        begun = time.monotonic()
        judges = self._touch.begin(begun) >= self._lease.total_seconds()
        claimed = Claimed((), {}, begun, addressed=0)
        async with autocommit(self._pool) as database:
            now = await database_now(database)
            waits = await messages.is_work_waiting(database, now)
        if waits and room:
            claimed = await self._claim(now, begun, judges=judges)
        self._touch.end()
        return claimed

    async def _claim(self, now: datetime, begun: float, *, judges: bool) -> Claimed:
        async with transaction(self._pool) as tx:
            addressed = await self._address(tx, now)
            found = await messages.claim(tx, now=now, limit=BATCH, lease_until=now + self._lease)
            if judges:
                await self._judge_left_over(tx, [message for message in found if self._is_left_over(message)], now)
            fresh = [message for message in found if message.was is not State.SENDING]
            keys = await self._keyring.data_keys({message.code for message in fresh}, tx) if fresh else {}
        return Claimed(fresh, keys, begun, addressed)

    def _is_left_over(self, message: Message) -> bool:
        return message.was is State.SENDING and message.id not in self._in_hand

    async def send(self, claimed: Claimed) -> None:
        """Call the channels for all claimed messages at once, then record the results."""
        ids = {message.id for message in claimed.messages}
        self._in_hand |= ids
        try:
            results = await asyncio.gather(*(self._call(claimed, message) for message in claimed.messages))
            called = list(zip(claimed.messages, results, strict=True))
            for message, result in called:
                CALLS.labels(message.channel, result.answer).inc()
            await self._record(called)
        finally:
            self._in_hand -= ids

    async def _record(self, called: Sequence[tuple[Message, Result]]) -> None:
        """Write results down, however long the database is away: who took a message would be asked again.

        Where only this cannot be written, others see a new lease at every try.
        """
        waits = False
        while True:
            try:
                if waits:
                    await self._keep([message.id for message, _ in called])
                return await self._outcomes.after_calls(called)
            except Exception as error:
                if not passes(error):
                    raise
                log.warning("results wait", reason=reason_of(error), messages=len(called))
                waits = True
                await asyncio.sleep(RECORD_RETRY_SECONDS)

    async def _keep(self, ids: Sequence[UUID]) -> None:
        async with autocommit(self._pool) as database:
            await messages.keep(database, ids, lease_until=await database_now(database) + self._lease)

    async def _address(self, tx: Connection, now: datetime) -> int:
        found = await requests.lock_addressable(tx, BATCH * 4)
        if found:
            queued = [message for entry in found for message in self._messages(entry)]
            await requests.queue(tx, queued, wake_at=now, changed_at=self._outcomes.clock.now())
            for state in (NoticeState.ADDRESSED, NoticeState.UNREACHABLE):
                reachable = state is NoticeState.ADDRESSED
                chosen = [entry.fact_id for entry in found if bool(entry.contact.channels) is reachable]
                await requests.mark(tx, chosen, state)
        return len(found)

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
            if time.monotonic() - claimed.begun > self._begin_seconds:
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
        to = contact.email if message.channel is Channel.EMAIL else contact.phone
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
        return Letter(str(message.id), to, text, machine_now())

    def _messages(self, entry: Addressed) -> list[NewMessage]:
        """Make a message for each channel; an SMS where this installation has no account at Zalo."""
        contact = entry.contact
        channels = dict.fromkeys(each if each in self._senders else Channel.SMS for each in contact.channels)
        return [
            NewMessage(message_id(entry.fact_id, channel), entry.fact_id, channel, contact.language, contact.sealed)
            for channel in channels
        ]
