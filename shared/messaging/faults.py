"""Which failures pass by themselves (wait and try again) and which are a fact's own fault (park its dossier)."""

from __future__ import annotations

from enum import StrEnum

import asyncpg
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
)

from shared.clocks import ClockWentBack
from shared.observability import safe_message

PASSING_CLASSES = frozenset({"08", "40", "53", "57", "58"})
"""SQLSTATE classes: connection, transaction rolled back, resources, operator's intervention, system error."""

PASSING_STATES = frozenset({"55P03", "25P03", "25P04", "25006"})
"""Lock timeout, idle transaction ended, transaction ended for its length, read-only server (a failover)."""


class Unready(Exception):
    """A handler lacks something that will come, like a rule version: the consumer pauses, nothing is parked."""


class Epidemic(Exception):
    """So many dossiers fail that parking them would hide one common fault: the consumer pauses, nothing is parked."""


class Fenced(Exception):
    """A cursor was moved by another consumer meanwhile: this batch has no effect and is read again."""


class Unfinished(Exception):
    """The work of one poll has taken its time: what it achieved stands, and the rest is read again."""


def passes(error: BaseException) -> bool:
    """Whether waiting may help, by what the error is and never by how often it came."""
    if isinstance(error, asyncpg.InvalidCachedStatementError):
        return True  # a migration changed a table; the next try plans anew
    if isinstance(error, asyncpg.InternalClientError):
        # A session ended by the server, met between its last word and the end of its connection (asyncpg #784, #1069).
        return True
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return state[:2] in PASSING_CLASSES or state in PASSING_STATES
    if isinstance(error, asyncpg.InterfaceError):
        # asyncpg.DataError is one too: an argument that no column takes, which waiting does not mend.
        return not isinstance(error, ValueError)
    return isinstance(
        error, Unready | Fenced | Epidemic | Unfinished | ClockWentBack | OSError | TimeoutError | KafkaError
    )


class Cause(StrEnum):
    """What a consumer waits for, as a closed list: a label of `motcua_consumer_paused`."""

    KAFKA = "kafka"
    DATABASE = "database"
    UNREADY = "unready"
    """A rule version, or whatever else a handler lacks."""
    EPIDEMIC = "epidemic"
    CLOCK = "clock"
    OTHER = "other"
    """What no waiting will mend, and what ends by itself at the next try."""


CAUSES: tuple[tuple[Cause, tuple[type[BaseException], ...]], ...] = (
    (Cause.EPIDEMIC, (Epidemic,)),
    (Cause.UNREADY, (Unready,)),
    (Cause.CLOCK, (ClockWentBack,)),
    (Cause.KAFKA, (KafkaError,)),
    (Cause.DATABASE, (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)),
)
"""Error of a handling → its cause; the first that fits."""


def cause_of(error: BaseException) -> Cause:
    """Classify what stopped the handling of a batch: a handler calls nothing but the database."""
    fitting = (cause for cause, errors in CAUSES if isinstance(error, errors))
    return next(fitting, Cause.OTHER) if passes(error) else Cause.OTHER


FORBIDDEN = (TopicAuthorizationFailedError, GroupAuthorizationFailedError, ClusterAuthorizationFailedError)
"""What a broker says to whoever lacks a right; the last to a producer who may write no topic at all."""

REMEDIES: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((SaslAuthenticationFailed,), "`motcua provision` lets us in with the password of our file"),
    (FORBIDDEN, "`motcua provision` gives the rights that are declared"),
)
"""Refusals by the broker → what an operator does about them; whoever was refused tries again by himself."""


def reason_of(error: BaseException) -> str:
    """One line without values or zero bytes, short enough to be stored and shown; with the remedy, if there is one."""
    remedy = "".join(f"; {remedy}" for errors, remedy in REMEDIES if isinstance(error, errors))
    text = f"{type(error).__name__}: {safe_message(error)}{remedy}".replace("\0", "\\0")
    return " ".join(text.encode("utf-8", "replace").decode().split())[:500]
