from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.messaging.chain import COLUMNS, GENESIS, breaches, fact_hash, root_of

ROW: dict[str, Any] = {
    "topic": "t",
    "subject": "A",
    "seq": 1,
    "id": UUID(int=1),
    "type": "vn.motcua.dossier.assigned.v1",
    "source": "intake",
    "legal_time": datetime(2020, 1, 2, 1, tzinfo=UTC),
    "recorded_at": datetime(2026, 1, 2, 1, 0, 0, 1, tzinfo=UTC),
    "partition_key": "A",
    "headers": "{}",
    "trace_parent": "",
    "body": b"{}",
}


def chained(row: dict[str, Any], previous: bytes = GENESIS) -> dict[str, Any]:
    return row | {"previous_hash": previous, "hash": fact_hash(previous, row)}


def test_the_hash_covers_every_column_and_the_hash_before() -> None:
    seen = {fact_hash(GENESIS, ROW), fact_hash(b"1" * 32, ROW)}
    for column in COLUMNS:
        value = ROW[column]
        other = value + timedelta(microseconds=1) if isinstance(value, datetime) else None
        seen.add(fact_hash(GENESIS, ROW | {column: other or (b"{ }" if column == "body" else f"{value}x")}))
    assert len(seen) == len(COLUMNS) + 2


@settings(deadline=None)
@given(st.text(max_size=6), st.text(max_size=6), st.text(max_size=6), st.text(max_size=6))
def test_no_two_rows_share_a_hash_by_moving_a_border(a: str, b: str, c: str, d: str) -> None:
    one, two = ROW | {"topic": a, "subject": b}, ROW | {"topic": c, "subject": d}
    assert (fact_hash(GENESIS, one) == fact_hash(GENESIS, two)) == ((a, b) == (c, d))


def test_a_moment_is_the_same_in_every_zone() -> None:
    elsewhere = ROW["legal_time"].astimezone(timezone(timedelta(hours=7)))
    assert fact_hash(GENESIS, ROW | {"legal_time": elsewhere}) == fact_hash(GENESIS, ROW)


def test_breaches_are_named() -> None:
    first = chained(ROW)
    second = chained(ROW | {"seq": 2}, first["hash"])
    assert breaches((0, GENESIS), first) == []
    assert breaches((1, first["hash"]), second) == []
    assert [found.what[:10] for found in breaches((0, GENESIS), second)] == ["follows 0:", "names anot"]
    assert [found.what[:8] for found in breaches((0, GENESIS), first | {"body": b"x"})] == ["its hash"]


def test_the_root_depends_on_every_head_and_not_on_their_order() -> None:
    found = [("t", "A", 1, b"a"), ("t", "B", 2, b"b")]
    assert root_of(found) == root_of(found[::-1])
    assert len({root_of(found), root_of(found[:1]), root_of([*found[:1], ("t", "B", 3, b"b")])}) == 3
