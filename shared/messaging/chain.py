"""The hash chain of a journal: what is hashed, and how a broken chain is told. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

GENESIS = bytes(32)
"""The previous hash of the first fact of a chain."""

COLUMNS = (
    "topic",
    "subject",
    "seq",
    "id",
    "type",
    "source",
    "legal_time",
    "recorded_at",
    "partition_key",
    "headers",
    "trace_parent",
    "body",
)
"""The columns of `journal` that the hash covers, in this order, after the previous hash."""


@dataclass(frozen=True)
class Breach:
    """One place where a chain does not hold."""

    topic: str
    subject: str
    seq: int
    what: str


def _bytes_of(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").encode()
    return str(value).encode()


def fact_hash(previous: bytes, row: Mapping[str, Any] | Any) -> bytes:
    """SHA-256 over the previous hash and every column, each after its length (8 bytes, big-endian)."""
    parts = [previous, *(_bytes_of(row[column]) for column in COLUMNS)]
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()


def breaches(previous: tuple[int, bytes], row: Mapping[str, Any] | Any) -> list[Breach]:
    """Tell what is wrong with one fact after `previous` (seq, hash) of its chain."""
    last_seq, last_hash = previous
    found = []
    if row["seq"] != last_seq + 1:
        found.append(f"follows {last_seq}: a fact is missing")
    if row["previous_hash"] != last_hash:
        found.append("names another previous hash than that of the fact before")
    if row["hash"] != fact_hash(row["previous_hash"], row):
        found.append("its hash does not fit its columns")
    return [Breach(row["topic"], row["subject"], row["seq"], what) for what in found]


def root_of(heads: Sequence[tuple[str, str, int, bytes]]) -> str:
    """One hash (hex) over all heads, sorted by topic and subject: what an auditor writes down."""
    digest = hashlib.sha256()
    for topic, subject, seq, head in sorted(heads):
        for part in (topic.encode(), subject.encode(), str(seq).encode(), head):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
