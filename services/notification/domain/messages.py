"""The life of one message on one channel: what each answer and each receipt makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.notification.domain.notices import POLICIES, Policy
from services.notification.domain.retry import after_loss, next_attempt


class State(StrEnum):
    """Where a message is. It is `sending` in the database before anybody is called."""

    QUEUED = "queued"
    SENDING = "sending"
    HANDED_OVER = "handed_over"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"


class NoticeState(StrEnum):
    """Where a notice is before it has messages."""

    AWAITING_CONTACT = "awaiting_contact"
    ADDRESSED = "addressed"
    UNREACHABLE = "unreachable"


class Reason(StrEnum):
    """Why a message failed; the closed list of `NoticeFailed.reason`."""

    GAVE_UP = "gave_up"
    REJECTED = "rejected_by_gateway"
    ADDRESS_INVALID = "address_invalid"
    ADDRESS_MISSING = "address_missing"
    NOT_ON_ZALO = "not_on_zalo"
    """The number has no Zalo, or takes no such messages there: an SMS goes instead."""
    UNDELIVERED = "undelivered"
    PEOPLE_ERASED = "people_erased"
    UNREADABLE = "contact_unreadable"
    TEXT_FAULTY = "text_faulty"


class Answer(StrEnum):
    """What a call came to."""

    TAKEN = "taken"
    NOT_TAKEN = "not_taken"
    """Surely not taken; another try may help."""
    REJECTED = "rejected"
    """Surely not taken, and never will be."""
    LOST = "lost"
    """It may have been taken or not."""
    NOT_BEGUN = "not_begun"
    """No call was made: it costs no attempt."""


@dataclass(frozen=True)
class Result:
    """The answer, and for a rejection its reason."""

    answer: Answer
    reason: Reason | None = None


class ReceiptStatus(StrEnum):
    """What a receipt says."""

    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True)
class Progress:
    """What is known of a message when it is judged. `losses`: how many of its attempts had no answer."""

    state: State
    template: str
    attempts: int
    handed_over: bool = False
    losses: int = 0


class Told(StrEnum):
    """Facts that a change of a message tells to others."""

    HANDED_OVER = "handed_over"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Change:
    """The next state. `wake_at` is the machine moment of the next attempt, None when nobody will try again."""

    state: State
    wake_at: datetime | None = None
    reason: Reason | None = None
    told: tuple[Told, ...] = ()
    attempts_given_back: int = 0
    losses: int = 0

    @property
    def hands_over(self) -> bool:
        """Whether this change is the first proof that the message was taken."""
        return Told.HANDED_OVER in self.told


def after_call(progress: Progress, result: Result, now: datetime, spread: float) -> Change:
    """Judge the result of one attempt; `now` is machine time, `spread` as in `next_attempt`."""
    waiting = State.UNKNOWN if progress.losses else State.QUEUED
    match result.answer:
        case Answer.TAKEN:
            return Change(State.HANDED_OVER, told=(Told.HANDED_OVER,))
        case Answer.REJECTED:
            return Change(State.FAILED, reason=result.reason, told=(Told.FAILED,))
        case Answer.NOT_BEGUN:
            return Change(waiting, wake_at=now, attempts_given_back=1)
        case Answer.NOT_TAKEN:
            return _after_refusal(progress, waiting, now, spread)
        case Answer.LOST:
            return _after_loss(progress, now, spread)


def _after_refusal(progress: Progress, waiting: State, now: datetime, spread: float) -> Change:
    wake_at = next_attempt(progress.attempts, now, spread)
    if wake_at is None and not progress.losses:
        return Change(State.FAILED, reason=Reason.GAVE_UP, told=(Told.FAILED,))
    return Change(waiting, wake_at=wake_at)


def _after_loss(progress: Progress, now: datetime, spread: float) -> Change:
    once = POLICIES[progress.template] is Policy.AT_MOST_ONCE
    wake_at = None if once else after_loss(progress.losses + 1, now, spread)
    return Change(State.UNKNOWN, wake_at=wake_at, told=() if progress.losses else (Told.UNKNOWN,), losses=1)


IGNORED_RECEIPTS: Mapping[State, frozenset[ReceiptStatus]] = {
    State.DELIVERED: frozenset(ReceiptStatus),
    State.FAILED: frozenset({ReceiptStatus.FAILED}),
}
"""Receipts come late, twice and out of order: arrived is arrived, and a failure is told once."""


def after_receipt(progress: Progress, status: ReceiptStatus) -> Change | None:
    """Judge a receipt; None when it changes nothing.

    It proves that the gateway took the message, even when our own record of that is still to be written.
    """
    if not progress.attempts or status in IGNORED_RECEIPTS.get(progress.state, ()):
        return None
    taken = () if progress.handed_over else (Told.HANDED_OVER,)
    if status is ReceiptStatus.DELIVERED:
        return Change(State.DELIVERED, told=(*taken, Told.DELIVERED))
    return Change(State.FAILED, reason=Reason.UNDELIVERED, told=(*taken, Told.FAILED))
