from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from deploy.demo.witnesses.sinks import Leave, Span, Standing, doubled_without_leave, leaves_of, lost
from services.notification.domain.notices import Policy

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LEASE = timedelta(seconds=30)
REACH = 2 * 30 + 1.25 + 30
"""Seconds: two leases, the first delay with its jitter, the margin for recovery."""


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def span(began: float, over: float) -> Span:
    return at(began), at(over)


def leaves(*kills: Span, outages: tuple[Span, ...] = ()) -> list[Leave]:
    return leaves_of(kills, outages, LEASE)


def arrival(reference: str, seconds: float, text: str = "") -> dict[str, str]:
    moment = at(seconds).isoformat(timespec="milliseconds")
    return {"at": moment, "kind": "sms", "reference": reference, "to": "digest", "text": text or reference}


OWED = Standing(Policy.AT_LEAST_ONCE, "delivered")
ONCE = Standing(Policy.AT_MOST_ONCE, "delivered")


@pytest.mark.parametrize(("first", "again"), [(-1, 30), (-30, 1), (1, 2), (2, 2 + REACH)])
def test_a_message_may_come_twice_around_a_kill_of_its_sender(first: float, again: float) -> None:
    arrivals = [arrival("a", first), arrival("a", again)]
    assert list(doubled_without_leave(arrivals, {"a": OWED}, leaves(span(0, 2)))) == []


@pytest.mark.parametrize(
    ("first", "again", "kills", "message"),
    [
        pytest.param(-1, 30, [], OWED, id="nobody was killed"),
        pytest.param(-1, 30, [span(-9, -2)], OWED, id="ready again before the first"),
        pytest.param(-1, 30, [span(31, 33)], OWED, id="killed after the second"),
        pytest.param(-1, 30, [span(0, 2)], ONCE, id="may come once"),
        pytest.param(-1, 2.001 + REACH, [span(0, 2)], OWED, id="long after the kill"),
        pytest.param(-30.001, 30, [span(0, 2)], OWED, id="long before the kill"),
        pytest.param(-40, 90, [span(-100, -95), span(0, 2), span(100, 102)], OWED, id="near to none of several"),
    ],
)
def test_a_message_that_comes_twice_otherwise_is_a_fault(
    first: float, again: float, kills: list[Span], message: Standing
) -> None:
    arrivals = [arrival("a", first), arrival("a", again)]
    [fault] = doubled_without_leave(arrivals, {"a": message}, leaves(*kills))
    assert fault.startswith("message a ")


@pytest.mark.parametrize(
    ("outages", "bounds"),
    [
        pytest.param((), (-30, 2 + REACH), id="none"),
        pytest.param((span(20, 26),), (-30, 26 + REACH), id="after the kill"),
        pytest.param((span(20, 26), span(80, 90)), (-30, 90 + REACH), id="and again before the leave was over"),
        pytest.param((span(-50, -10),), (-80, 2 + REACH), id="before the kill"),
        pytest.param((span(-50, -10), span(-99, -70)), (-129, 2 + REACH), id="and again before that"),
        pytest.param((span(-5, 9),), (-35, 9 + REACH), id="across the kill"),
        pytest.param((span(-90, -31), span(94, 100)), (-30, 2 + REACH), id="too far away to matter"),
    ],
)
def test_leases_run_anew_after_an_outage_of_the_database(
    outages: tuple[Span, ...], bounds: tuple[float, float]
) -> None:
    [leave] = leaves(span(0, 2), outages=outages)
    assert (leave.since, leave.until) == tuple(at(bound) for bound in bounds)


def test_what_is_owed_and_never_came_is_a_fault_whoever_was_killed_and_what_nobody_submitted_too() -> None:
    messages = {"a": OWED, "b": Standing(Policy.AT_LEAST_ONCE, "unknown", at(1))}
    assert list(lost([arrival("a", 1)], messages, leaves(span(0, 2)))) == ["message b is owed and never came"]
    assert list(lost([arrival("a", 1), arrival("b", 2), arrival("d", 3)], messages, leaves(span(0, 2)))) == [
        "message d came and stands nowhere"
    ]


@pytest.mark.parametrize("arrivals", [[], [arrival("c", 1)]], ids=["missing", "come"])
@pytest.mark.parametrize("found_out", [0, 31, 2 + REACH])
def test_nobody_need_know_of_what_may_come_once_where_a_kill_caught_it(
    found_out: float, arrivals: list[dict[str, str]]
) -> None:
    messages = {"c": Standing(Policy.AT_MOST_ONCE, "unknown", at(found_out))}
    assert list(lost(arrivals, messages, leaves(span(0, 2)))) == []


@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize(
    ("found_out", "kills"),
    [
        pytest.param(-0.001, [span(0, 2)], id="found out before the kill"),
        pytest.param(2.001 + REACH, [span(0, 2)], id="found out long after the kill"),
        pytest.param(31, [], id="nobody was killed"),
        pytest.param(None, [span(0, 2)], id="nobody told of it"),
    ],
)
def test_what_came_and_nobody_knows_of_is_a_fault_otherwise(
    found_out: float | None, kills: list[Span], policy: Policy
) -> None:
    moment = None if found_out is None else at(found_out)
    [fault] = lost([arrival("c", 1)], {"c": Standing(policy, "unknown", moment)}, leaves(*kills))
    assert fault.startswith("message c stands as unknown, and nobody was killed")


@pytest.mark.parametrize(
    ("state", "found_out", "kills"),
    [
        pytest.param("unknown", -0.001, [span(0, 2)], id="found out before the kill"),
        pytest.param("unknown", 2.001 + REACH, [span(0, 2)], id="found out long after the kill"),
        pytest.param("unknown", 31, [], id="nobody was killed"),
        pytest.param("unknown", None, [span(0, 2)], id="nobody told of it"),
        pytest.param("delivered", 31, [span(0, 2)], id="it stands as delivered"),
        pytest.param("handed_over", None, [span(0, 2)], id="it stands as handed over"),
        pytest.param("queued", None, [span(0, 2)], id="nobody ever called"),
        pytest.param("failed", None, [span(0, 2)], id="it stands as failed"),
    ],
)
def test_what_may_come_once_and_never_came_is_a_fault_otherwise(
    state: str, found_out: float | None, kills: list[Span]
) -> None:
    moment = None if found_out is None else at(found_out)
    [fault] = lost([], {"c": Standing(Policy.AT_MOST_ONCE, state, moment)}, leaves(*kills))
    said = "stands as unknown, and nobody" if state == "unknown" else f"never came and stands as {state}"
    assert fault.startswith(f"message c {said}")


def test_the_same_words_to_the_same_citizen_under_another_name_are_a_fault() -> None:
    arrivals = [arrival("a", -1, "text"), arrival("b", 1, "text"), arrival("c", 1)]
    assert list(doubled_without_leave(arrivals, {}, leaves(span(0, 2)))) == [
        "one citizen was told the same by the messages a, b"
    ]
