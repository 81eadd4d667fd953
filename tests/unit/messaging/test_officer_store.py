"""The register of officers as another service knows it: nobody is let in before it was read, then whoever may be."""

from __future__ import annotations

from datetime import date, datetime
from http import HTTPStatus
from uuid import UUID

import pytest

from shared.auth import Principal, admitted_by
from shared.clocks import OFFICE_ZONE
from shared.contracts.officers import EntryKind, OfficerEntered
from shared.contracts.topics import OFFICERS
from shared.http.problems import Problem
from shared.messaging.envelope import encode_headers
from shared.messaging.faults import Unready
from shared.messaging.officers import OfficerStore
from shared.roles import Role
from shared.settings import KafkaSettings
from tests.unit.messaging.test_envelope import Wire

UNIT, TODAY = "H56.97.21", date(2020, 3, 2)
REVOKED = f"{HTTPStatus.FORBIDDEN} officer_revoked"
GONE = Principal("gone", Role.DESK, UNIT)


def record(no: int, kind: EntryKind, **more: object) -> Wire:
    said = {"officer": "gone", "role": "", "deputy": "", "first_day": TODAY, "recorded_by": "head", **more}
    fact = OfficerEntered(no=no, kind=kind, agency=UNIT, **said)
    headers = encode_headers(
        fact_id=UUID(int=no),
        fact_type=fact.TYPE,
        source="processing",
        subject=UNIT,
        legal_time=datetime(2020, 3, 2, 9, 0, tzinfo=OFFICE_ZONE),
        partition_key=UNIT,
        seq=no,
    )
    return Wire(headers, fact.model_dump_json().encode(), topic=OFFICERS.name, offset=no)


def store(*records: Wire) -> OfficerStore:
    found = OfficerStore(KafkaSettings(bootstrap_servers="127.0.0.1:9"))
    for each in records:
        found.add(each)
    return found


def judged(officers: OfficerStore, caller: Principal) -> str:
    try:
        admitted_by(officers.register, lambda: TODAY)(caller)
    except Problem as refused:
        return f"{refused.status} {refused.code}"
    return ""


def test_nobody_is_let_in_before_the_register_was_read_to_its_end() -> None:
    officers = store(record(1, EntryKind.REVOCATION))
    with pytest.raises(Unready):
        judged(officers, GONE)
    assert officers.pulse.reason == "officers: not read yet"
    officers.ended()
    assert judged(officers, GONE) == REVOKED
    assert not officers.pulse.reason


def test_what_comes_later_counts_at_once_and_what_comes_again_counts_once() -> None:
    officers = store()
    officers.ended()
    assert judged(officers, GONE) == ""
    for each in (record(1, EntryKind.REVOCATION), record(1, EntryKind.REVOCATION)):
        officers.add(each)
    assert judged(officers, GONE) == REVOKED
    assert len(officers.register().entries) == 1
    officers.add(record(2, EntryKind.WITHDRAWAL, withdraws=1))
    assert judged(officers, GONE) == ""


def test_what_cannot_be_read_is_left_out() -> None:
    officers = store(Wire([("ce_id", b"?")], b"", topic=OFFICERS.name), record(1, EntryKind.REVOCATION))
    officers.ended()
    assert judged(officers, GONE) == REVOKED
