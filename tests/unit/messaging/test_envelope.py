from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clocks import OFFICE_ZONE
from shared.contracts.facts import FACTS, ContactStated
from shared.messaging.batch import Subscription
from shared.messaging.envelope import Undecodable, decode, encode_headers, parse
from shared.messaging.parking import dump_headers, load_headers

FACT_ID = UUID("0193a0b0-0000-7000-8000-000000000001")
BODY = b'{"language":"vi","channels":["sms"],"sealed":"c2VhbGVk"}'


@dataclass
class Wire:
    headers: Sequence[tuple[str, bytes]]
    value: bytes | None = BODY
    topic: str = "t"
    partition: int = 1
    offset: int = 2


def headers(**change: Any) -> list[tuple[str, bytes]]:
    given_values: dict[str, Any] = {
        "fact_id": FACT_ID,
        "fact_type": ContactStated.TYPE,
        "source": "intake",
        "subject": "H56.97.21-200102-0001",
        "legal_time": datetime(2020, 1, 2, 1, 0, tzinfo=UTC),
        "partition_key": "H56.97.21-200102-0001",
        "seq": 7,
        "trace_parent": f"00-{'a' * 32}-{'b' * 16}-01",
        "extra": {"motcua_promised_due": "2020-01-10T17:00:00+07:00"},
    }
    return encode_headers(**given_values | change)


@pytest.mark.parametrize("sources", [("intake",), ("stranger", "intake"), ("intake", "stranger"), ()])
def test_whose_a_fact_is_is_read_as_the_envelope_reads_it(sources: tuple[str, ...]) -> None:
    rest = [header for header in headers() if header[0] != "ce_source"]
    record = Wire([*rest, *(("ce_source", source.encode()) for source in sources)])
    own = Subscription("t", {}, own="intake").is_own(record)
    assert own == bool(sources and decode(record).source == "intake")
    assert not Subscription("t", {}).is_own(record)


def test_the_sdk_reads_what_is_written() -> None:
    message = KafkaMessage(headers=dict(headers()), key=b"H56.97.21-200102-0001", value=BODY)
    event = from_binary_event(message, JSONFormat())
    attributes = event.get_attributes()
    assert attributes["specversion"] == "1.0"
    assert attributes["id"] == str(FACT_ID)
    assert attributes["type"] == ContactStated.TYPE
    assert attributes["source"] == "intake"
    assert attributes["subject"] == "H56.97.21-200102-0001"
    assert attributes["time"] == datetime(2020, 1, 2, 1, 0, tzinfo=UTC)
    assert attributes["sequence"] == "0000000000000000007"
    assert attributes["dataschema"] == f"urn:motcua:schema:{ContactStated.TYPE}"
    assert attributes["datacontenttype"] == "application/json"
    assert event.get_data() == {"language": "vi", "channels": ["sms"], "sealed": "c2VhbGVk"}


def test_what_is_written_is_read() -> None:
    received = parse(decode(Wire(headers())))
    assert (received.topic, received.partition, received.offset) == ("t", 1, 2)
    assert (received.id, received.type, received.source, received.seq) == (FACT_ID, ContactStated.TYPE, "intake", 7)
    assert received.legal_time == datetime(2020, 1, 2, 8, 0, tzinfo=OFFICE_ZONE)
    assert received.headers == {"motcua_promised_due": "2020-01-10T17:00:00+07:00"}
    assert received.trace_parent == f"00-{'a' * 32}-{'b' * 16}-01"
    assert received.fact_as(ContactStated).sealed == "c2VhbGVk"
    with pytest.raises(TypeError):
        received.fact_as(FACTS["vn.motcua.dossier.accepted.v1"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_id", b"seven"),
        ("ce_sequence", b"seven"),
        ("ce_sequence", b"0"),
        ("ce_sequence", b"-1"),
        ("ce_sequence", b"9223372036854775808"),
        ("ce_time", b"2020-01-02T08:00:00"),
        ("ce_time", b"today"),
        ("ce_time", b"9999-12-31T23:59:59-01:00"),
        ("ce_time", b"0001-01-01T00:00:00+14:00"),
        ("ce_subject", b"a" * 201),
        ("ce_source", b"a" * 201),
        ("ce_type", b"a" * 201),
        ("ce_sequence", b"1" * 5000),
        ("ce_subject", b"a\0b"),
        ("ce_source", b"\xff"),
        ("ce_specversion", b"0.3"),
    ],
)
def test_what_is_no_envelope_is_undecodable(name: str, value: bytes) -> None:
    with pytest.raises(Undecodable):
        decode(Wire([(key, value if key == name else old) for key, old in headers()]))


def test_missing_headers_are_named_and_a_body_is_needed() -> None:
    with pytest.raises(Undecodable, match="ce_id, ce_type"):
        decode(Wire([("ce_specversion", b"1.0")]))
    with pytest.raises(Undecodable, match="no body"):
        decode(Wire(headers(), value=None))


def test_a_fault_names_the_place_and_never_the_content() -> None:
    fault = parse(decode(Wire(headers(), value=b'{"language":"Nguyen","channels":["sms"]}'))).fault
    assert "language enum" in fault
    assert "sealed missing" in fault
    assert "Nguyen" not in fault
    assert parse(decode(Wire(headers(fact_type="vn.motcua.other.v1")))).fault
    assert parse(decode(Wire(headers())), known=()).fault


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(max_size=9), st.binary(max_size=9)), max_size=5))
def test_any_headers_can_be_parked(pairs: list[tuple[str, bytes]]) -> None:
    text = dump_headers(pairs)
    assert text.isascii()
    assert "\0" not in text


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(max_size=9), st.text(max_size=9)), max_size=5))
def test_text_headers_come_back_as_they_were(pairs: list[tuple[str, str]]) -> None:
    given_headers = [(name, value.encode()) for name, value in pairs]
    assert load_headers(dump_headers(given_headers)) == given_headers
