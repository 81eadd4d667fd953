from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from deploy.demo.report import COMPARED, Events, Notices, Witness, YearReport, share, show

FIGURES = dict(zip(COMPARED, (9470, 9315, 9315, 0, 0, 155, 155, 0, 0), strict=True))
KEYS = [
    "received",
    "resolved",
    "resolved_on_time",
    "resolved_late",
    "closed_without_result",
    "in_progress",
    "in_progress_within_limit",
    "in_progress_overdue",
    "share_resolved_of_received",
    "share_on_time",
    "apologies_published",
    "notices",
    "events",
    "courses",
    "foreign",
    "sources_agree",
    "witnesses",
    "codes_sha256",
    "seconds",
]


def report(*witnesses: Witness, parked: int = 0) -> YearReport:
    return YearReport(
        witnesses=witnesses,
        notices=Notices(requested=4, handed_over=4, delivered=3, unknown=0, failed=1),
        events=Events(published=10, consumed={"metrics": 10}, parked=parked),
        foreign=0,
        codes_sha256="00",
        seconds=12.34,
        courses={"withdrawn": 76, "supplement": 227},
    )


AGREEING = (
    *(Witness(name, FIGURES) for name in ("metrics", "prometheus", "sql")),
    Witness("ledger", {"received": 9470}),
)


def test_the_object_has_exactly_the_promised_keys_and_shares() -> None:
    found = report(*AGREEING).as_json()
    assert list(found) == KEYS
    assert found["share_resolved_of_received"] == 0.9836
    assert found["share_on_time"] == 1.0
    assert found["sources_agree"] is True
    assert list(found["notices"]) == ["requested", "handed_over", "delivered", "unknown", "failed"]
    assert list(found["events"]) == ["published", "consumed", "parked"]
    assert list(found["courses"].items()) == [("supplement", 227), ("withdrawn", 76)]
    assert found["seconds"] == 12.3
    assert report(*AGREEING).exit_code == 0


@pytest.mark.parametrize("name", COMPARED)
@pytest.mark.parametrize("position", range(3))
def test_any_disagreement_is_exit_one_and_is_shown(name: str, position: int) -> None:
    witnesses = list(AGREEING)
    witnesses[position] = replace(witnesses[position], figures={**FIGURES, name: FIGURES[name] + 1})
    found = report(*witnesses)
    assert found.exit_code == 1
    assert found.as_json()["sources_agree"] is False
    shown = io.StringIO()
    show(Console(file=shown, width=200), found)
    assert f"disagreement {name}" in shown.getvalue()


def test_a_fault_that_a_witness_found_is_exit_one() -> None:
    lost = Witness("ledger", {"received": 9470}, ("H56.97.01-200102-0001 was acknowledged and is nowhere",))
    assert report(*AGREEING[:3], lost).exit_code == 1


def test_a_parked_dossier_is_exit_one_although_all_agree() -> None:
    found = report(*AGREEING, parked=1)
    assert found.as_json()["sources_agree"] is True
    assert found.exit_code == 1


def test_a_share_of_nothing_is_nothing() -> None:
    assert share(0, 0) is None
    assert share(1, 8) == 0.125
    assert share(1, 6) == 0.1667
