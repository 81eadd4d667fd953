"""The envelope: CloudEvents 1.0 over Kafka in binary mode. Attributes are headers, the value is the fact's exact bytes.

Written by hand because the SDK takes three times as long; a test reads what this writes with the SDK.
"""

from __future__ import annotations

import builtins
from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID

from pydantic import ValidationError

from shared.clocks import OFFICE_ZONE
from shared.contracts.evolution import schema_uri
from shared.contracts.facts import FACTS, Fact

Headers = Sequence[tuple[str, bytes]]
FactT = TypeVar("FactT", bound=Fact)

LONGEST_NAME = 200
"""Characters of a type, source, subject or sequence: what an index of the database can hold, and far more than ours."""
REQUIRED = ("ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "ce_sequence")
ATTRIBUTES = frozenset({*REQUIRED, "ce_partitionkey", "ce_dataschema", "ce_traceparent", "content-type"})
"""The envelope's own headers."""


class Undecodable(ValueError):
    """The record is no envelope of ours: nobody can say which dossier it belongs to."""


class Record(Protocol):
    """What is read of aiokafka's ConsumerRecord."""

    topic: str
    partition: int
    offset: int
    headers: Sequence[tuple[str, bytes]]
    value: bytes | None


class Received(NamedTuple):
    """One fact as it came from the topic: a tuple, which is made in a third of a frozen dataclass's time.

    `legal_time` is in the office's zone. `headers` are those beside the envelope's own. `fact` is the parsed body; when
    it could not be parsed, or nobody here knows its type, it is None and `fault` says why.
    """

    topic: str
    partition: int
    offset: int
    id: UUID
    type: str
    source: str
    subject: str
    seq: int
    legal_time: datetime
    headers: Mapping[str, str]
    trace_parent: str
    value: bytes
    raw_headers: Headers
    fact: Fact | None = None
    fault: str = ""

    def fact_as(self, model: builtins.type[FactT]) -> FactT:
        """Return the fact, known to be of this model because handlers are registered by type."""
        if not isinstance(self.fact, model):
            raise TypeError(f"{self.type} is no {model.__name__}")
        return self.fact


def encode_headers(
    *,
    fact_id: UUID,
    fact_type: str,
    source: str,
    subject: str,
    legal_time: datetime,
    partition_key: str,
    seq: int,
    trace_parent: str = "",
    extra: Mapping[str, str] | None = None,
) -> list[tuple[str, bytes]]:
    """Write the Kafka headers of one fact; `legal_time` is written in the office's zone."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(fact_id).encode()),
        ("ce_type", fact_type.encode()),
        ("ce_source", source.encode()),
        ("ce_subject", subject.encode()),
        ("ce_time", legal_time.astimezone(OFFICE_ZONE).isoformat().encode()),
        ("ce_partitionkey", partition_key.encode()),
        ("ce_sequence", b"%019d" % seq),
        ("ce_dataschema", schema_uri(fact_type).encode()),
        ("content-type", b"application/json"),
    ]
    if trace_parent:
        headers.append(("ce_traceparent", trace_parent.encode()))
    headers.extend((name, value.encode()) for name, value in (extra or {}).items())
    return headers


def decode(record: Record) -> Received:
    """Read the envelope; the body stays unread (see `parse`). Raises Undecodable with the reason."""
    texts = _texts(record.headers)
    missing = [name for name in REQUIRED if name not in texts]
    if missing:
        raise Undecodable(f"headers missing: {', '.join(missing)}")
    if texts["ce_specversion"] != "1.0":
        raise Undecodable("another version of CloudEvents than 1.0")
    if record.value is None:
        raise Undecodable("no body")
    if any(len(texts[name]) > LONGEST_NAME for name in ("ce_type", "ce_source", "ce_subject", "ce_sequence")):
        raise Undecodable(f"a type, source, subject or sequence of more than {LONGEST_NAME} characters")
    try:
        fact_id, seq, legal_time = UUID(texts["ce_id"]), int(texts["ce_sequence"]), _moment(texts["ce_time"])
    except (ValueError, OverflowError) as error:
        raise Undecodable("id, sequence or time is not well formed") from error
    if not 0 < seq < 1 << 63:
        raise Undecodable("a sequence is a positive number of 64 bits")
    return Received(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        id=fact_id,
        type=texts["ce_type"],
        source=texts["ce_source"],
        subject=texts["ce_subject"],
        seq=seq,
        legal_time=legal_time,
        headers={name: texts[name] for name in texts.keys() - ATTRIBUTES if not name.startswith("ce_")},
        trace_parent=texts.get("ce_traceparent", ""),
        value=record.value,
        raw_headers=record.headers,
    )


def parse(received: Received, known: Container[str] = FACTS) -> Received:
    """Add the parsed fact, or the fault that keeps its dossier from going on. Never echoes what the body holds."""
    if received.type not in known or received.type not in FACTS:
        return received._replace(fault="nobody here knows this type")
    try:
        return received._replace(fact=FACTS[received.type].model_validate_json(received.value))
    except ValidationError as error:
        places = (f"{'.'.join(map(str, found['loc']))} {found['type']}" for found in error.errors(include_input=False))
        return received._replace(fault=f"the body does not fit its type: {'; '.join(places)}")


def _texts(headers: Headers) -> dict[str, str]:
    try:
        texts = {name: value.decode() for name, value in headers}
    except (UnicodeDecodeError, AttributeError) as error:
        raise Undecodable("a header is no UTF-8 text") from error
    if "\0" in "".join(texts.values()):
        raise Undecodable("a header holds a zero byte")
    return texts


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time has an offset")
    return moment.astimezone(OFFICE_ZONE)
