"""Which topics the relay leaves out, and for how long."""

from __future__ import annotations

from shared.messaging.relay import Detours

GONE = {"contacts": LookupError("gone")}


def test_a_topic_that_failed_is_left_out_for_longer_each_time_and_returns_when_it_went_well() -> None:
    now = 0.0
    detours = Detours(10, lambda: now)
    waits = []
    for _ in range(12):
        detours.note(detours.closed(), GONE)
        assert detours.closed() == ["contacts"]
        assert detours.reason == "contacts: LookupError: gone"
        begun = now
        while detours.closed():
            now += 0.01
        waits.append(now - begun)
    assert waits[0] < 0.3
    assert 5 <= waits[-1] <= 10.1
    detours.note(detours.closed(), {})
    assert detours.reason == ""
    detours.note(detours.closed(), GONE)
    while detours.closed():
        now += 0.01
    assert now < sum(waits) + 0.3


def test_what_is_left_out_stays_left_out_while_others_go_well_or_fail() -> None:
    detours = Detours(10, lambda: 0.0)
    detours.note([], GONE)
    detours.note(["contacts"], {})
    assert detours.closed() == ["contacts"]
    detours.note(["contacts"], {"rules": LookupError("gone too")})
    assert detours.closed() == ["contacts", "rules"]
    assert detours.reason == "contacts: LookupError: gone; rules: LookupError: gone too"
