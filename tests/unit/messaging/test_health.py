from __future__ import annotations

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError

from shared.clocks import ClockWentBack
from shared.loops import ALIVE_SECONDS, LoopHealth, Pulse
from shared.messaging.faults import Cause, Epidemic, Fenced, Unready, cause_of, passes, reason_of


def test_paused_is_alive_and_not_ready_and_a_loop_that_stands_is_neither() -> None:
    seconds = 0.0
    pulse = Pulse(monotonic=lambda: seconds)
    assert pulse.health() == LoopHealth(alive=True, ready=False, reason="starting")
    seconds = ALIVE_SECONDS  # what has not begun is not dead
    assert pulse.health().alive
    pulse.turn()
    pulse.reason = ""
    assert pulse.health() == LoopHealth(alive=True, ready=True, reason="")
    seconds += ALIVE_SECONDS
    assert pulse.health() == LoopHealth(alive=False, ready=False, reason="")
    pulse.turn()
    assert pulse.health().ready


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.ConnectionDoesNotExistError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress"),
        asyncpg.SerializationError(),
        asyncpg.DeadlockDetectedError(),
        asyncpg.LockNotAvailableError(),
        asyncpg.QueryCanceledError(),
        asyncpg.AdminShutdownError(),
        asyncpg.CannotConnectNowError(),
        asyncpg.TooManyConnectionsError(),
        asyncpg.DiskFullError(),
        asyncpg.ReadOnlySQLTransactionError(),
        asyncpg.IdleInTransactionSessionTimeoutError(),
        asyncpg.TransactionTimeoutError(),
        asyncpg.InvalidCachedStatementError(),
        ConnectionRefusedError(),
        TimeoutError(),
        KafkaConnectionError(),
        ClockWentBack(),
        Unready(),
        Fenced(),
    ],
)
def test_what_passes_pauses(error: Exception) -> None:
    assert passes(error)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.UniqueViolationError(),
        asyncpg.CheckViolationError(),
        asyncpg.UndefinedTableError(),
        asyncpg.DataError("an integer is required"),
        KeyError("x"),
        ValueError(),
        AssertionError(),
    ],
)
def test_what_stays_parks(error: Exception) -> None:
    assert not passes(error)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (Epidemic(), Cause.EPIDEMIC),
        (Unready(), Cause.UNREADY),
        (ClockWentBack(), Cause.CLOCK),
        (KafkaConnectionError(), Cause.KAFKA),
        (ConnectionRefusedError(), Cause.DATABASE),
        (TimeoutError(), Cause.DATABASE),
        (asyncpg.TooManyConnectionsError(), Cause.DATABASE),
        (asyncpg.InterfaceError("connection is closed"), Cause.DATABASE),
        (Fenced(), Cause.OTHER),
        (asyncpg.UniqueViolationError(), Cause.OTHER),
        (KeyError("x"), Cause.OTHER),
    ],
)
def test_what_stops_a_batch_has_one_cause(error: Exception, cause: Cause) -> None:
    assert cause_of(error) is cause


def test_a_reason_is_one_short_line_that_the_database_takes() -> None:
    reason = reason_of(ValueError("a\0b\n\ud800" + "x" * 1000))
    assert "\0" not in reason
    assert "\n" not in reason
    assert len(reason) <= 500
    reason.encode()
