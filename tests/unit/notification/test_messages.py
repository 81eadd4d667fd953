"""What becomes of a message: every answer, every receipt, retries with an end."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notification.channels import zalo
from services.notification.channels.sms import read_answer
from services.notification.domain.messages import (
    Answer,
    Progress,
    Reason,
    ReceiptStatus,
    Result,
    State,
    Told,
    after_call,
    after_receipt,
)
from services.notification.domain.retry import (
    ATTEMPTS_MAX,
    DELAYS_AFTER_LOSS,
    LONGEST_DELAY,
    next_attempt,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FIRST = Progress(State.SENDING, "accepted", attempts=1)
ONCE = Progress(State.SENDING, "result_ready", attempts=1)


@given(st.integers(1, ATTEMPTS_MAX - 1), st.floats(0, 1, exclude_max=True))
def test_retries_go_forward_and_not_too_far(attempts: int, spread: float) -> None:
    wake_at = next_attempt(attempts, NOW, spread)
    assert wake_at is not None
    assert timedelta(seconds=1) <= wake_at - NOW <= LONGEST_DELAY * 1.25


def test_delays_double_and_retries_end() -> None:
    delays = [wake_at - NOW for n in range(1, 5) if (wake_at := next_attempt(n, NOW, 0))]
    assert delays == [timedelta(seconds=seconds) for seconds in (1, 2, 4, 8)]
    assert next_attempt(ATTEMPTS_MAX, NOW, 0) is None


def test_an_answer_that_was_lost_is_unknown_and_tried_again_only_where_the_law_wants_it() -> None:
    again = after_call(FIRST, Result(Answer.LOST), NOW, 0)
    assert (again.state, again.told) == (State.UNKNOWN, (Told.UNKNOWN,))
    assert again.wake_at == NOW + timedelta(seconds=1)
    left = after_call(ONCE, Result(Answer.LOST), NOW, 0)
    assert (left.state, left.wake_at, left.told) == (State.UNKNOWN, None, (Told.UNKNOWN,))


def test_unknown_is_told_once_and_stays_unknown_when_the_gateway_then_refuses() -> None:
    second = replace(FIRST, attempts=2, losses=1)
    assert after_call(second, Result(Answer.LOST), NOW, 0).told == ()
    assert after_call(second, Result(Answer.NOT_TAKEN), NOW, 0).state is State.UNKNOWN
    last = after_call(replace(second, attempts=ATTEMPTS_MAX), Result(Answer.NOT_TAKEN), NOW, 0)
    assert (last.state, last.wake_at, last.told) == (State.UNKNOWN, None, ())


def test_a_gateway_that_never_answers_is_asked_five_times_in_more_than_an_hour() -> None:
    message, waits = FIRST, []
    while (change := after_call(message, Result(Answer.LOST), NOW, 0)).wake_at is not None:
        waits.append(change.wake_at - NOW)
        message = replace(message, attempts=message.attempts + 1, losses=message.losses + change.losses)
    assert tuple(waits) == DELAYS_AFTER_LOSS
    assert message.attempts == 5
    assert sum(waits, timedelta()) > timedelta(hours=1)


def test_refusals_do_not_use_up_the_attempts_after_a_loss() -> None:
    refused_often = replace(FIRST, attempts=20)
    assert after_call(refused_often, Result(Answer.LOST), NOW, 0).wake_at == NOW + DELAYS_AFTER_LOSS[0]


def test_a_refusal_is_tried_again_until_the_end() -> None:
    first = after_call(ONCE, Result(Answer.NOT_TAKEN), NOW, 0)
    assert (first.state, first.told) == (State.QUEUED, ())
    last = after_call(replace(ONCE, attempts=ATTEMPTS_MAX), Result(Answer.NOT_TAKEN), NOW, 0)
    assert (last.state, last.reason, last.told) == (State.FAILED, Reason.GAVE_UP, (Told.FAILED,))


def test_what_was_not_begun_costs_no_attempt() -> None:
    change = after_call(FIRST, Result(Answer.NOT_BEGUN), NOW, 0)
    assert (change.state, change.wake_at, change.attempts_given_back) == (State.QUEUED, NOW, 1)


@pytest.mark.parametrize(("answer", "state", "attempts"), list(itertools.product(Answer, State, (1, ATTEMPTS_MAX))))
def test_every_change_fits_the_table_of_states(answer: Answer, state: State, attempts: int) -> None:
    progress = Progress(State.SENDING, "accepted", attempts, losses=int(state is State.UNKNOWN))
    change = after_call(progress, Result(answer, Reason.REJECTED if answer is Answer.REJECTED else None), NOW, 0)
    assert (change.state is State.FAILED) == (change.reason is not None)
    assert (change.wake_at is None) <= (change.state is not State.QUEUED)
    assert change.state is not State.SENDING


def test_a_receipt_proves_the_handing_over_that_we_could_not_record() -> None:
    for state in (State.SENDING, State.UNKNOWN, State.QUEUED):
        change = after_receipt(replace(FIRST, state=state), ReceiptStatus.DELIVERED)
        assert change is not None
        assert (change.state, change.told) == (State.DELIVERED, (Told.HANDED_OVER, Told.DELIVERED))
        assert change.hands_over
    known = replace(FIRST, state=State.HANDED_OVER, handed_over=True)
    change = after_receipt(known, ReceiptStatus.FAILED)
    assert change is not None
    assert (change.state, change.reason, change.told) == (State.FAILED, Reason.UNDELIVERED, (Told.FAILED,))


def test_receipts_that_say_nothing_new_change_nothing() -> None:
    delivered = replace(FIRST, state=State.DELIVERED, handed_over=True)
    assert [after_receipt(delivered, status) for status in ReceiptStatus] == [None, None]
    failed = replace(FIRST, state=State.FAILED, handed_over=True)
    assert after_receipt(failed, ReceiptStatus.FAILED) is None
    late = after_receipt(failed, ReceiptStatus.DELIVERED)
    assert late is not None
    assert late.state is State.DELIVERED
    assert after_receipt(replace(FIRST, state=State.QUEUED, attempts=0), ReceiptStatus.DELIVERED) is None


@pytest.mark.parametrize(
    ("status", "content", "result"),
    [
        (202, b"{}", Result(Answer.TAKEN)),
        (200, b"{}", Result(Answer.TAKEN)),
        (201, b"", Result(Answer.TAKEN)),
        (204, b"", Result(Answer.TAKEN)),
        (409, b"{}", Result(Answer.TAKEN)),
        (401, b"{}", Result(Answer.NOT_TAKEN)),
        (408, b"", Result(Answer.NOT_TAKEN)),
        (425, b"", Result(Answer.NOT_TAKEN)),
        (429, b"{}", Result(Answer.NOT_TAKEN)),
        (503, b'{"error":"busy"}', Result(Answer.NOT_TAKEN)),
        (500, b"", Result(Answer.LOST)),
        (302, b"", Result(Answer.LOST)),
        (422, b'{"error":"number_invalid"}', Result(Answer.REJECTED, Reason.ADDRESS_INVALID)),
        (422, b'{"error":"rejected"}', Result(Answer.REJECTED, Reason.REJECTED)),
        (413, b"\xff", Result(Answer.REJECTED, Reason.REJECTED)),
    ],
)
def test_the_gateways_answers_are_translated(status: int, content: bytes, result: Result) -> None:
    assert read_answer(status, content) == result


@pytest.mark.parametrize(
    ("status", "content", "result"),
    [
        (200, b'{"error": 0, "message": "Success", "data": {"msg_id": "1"}}', Result(Answer.TAKEN)),
        (
            200,
            b'{"error": -108, "message": "Phone is invalid"}',
            Result(Answer.REJECTED, Reason.ADDRESS_INVALID),
        ),
        (200, b'{"error": -114}', Result(Answer.REJECTED, Reason.NOT_ON_ZALO)),
        (200, b'{"error": -118}', Result(Answer.REJECTED, Reason.NOT_ON_ZALO)),
        (200, b'{"error": -124}', Result(Answer.NOT_TAKEN)),
        (200, b'{"error": -144}', Result(Answer.NOT_TAKEN)),
        (200, b'{"error": -132}', Result(Answer.REJECTED, Reason.REJECTED)),
        (200, b'{"error": "0"}', Result(Answer.LOST)),
        (200, b'{"error": false}', Result(Answer.LOST)),
        (200, b"<html>", Result(Answer.LOST)),
        (200, b"[]", Result(Answer.LOST)),
        (502, b"", Result(Answer.LOST)),
        (503, b"", Result(Answer.NOT_TAKEN)),
        (400, b"", Result(Answer.REJECTED, Reason.REJECTED)),
    ],
)
def test_zalos_answers_are_translated(status: int, content: bytes, result: Result) -> None:
    assert zalo.read_answer(status, content) == result
