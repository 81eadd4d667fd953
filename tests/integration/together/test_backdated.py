"""A dossier that counts from before its record, through all services (C14): flagged, counted, its wait the desk's."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Any

from tests.integration.intake.counter import COMMUNE, Counter
from tests.integration.together.everywhere import Everywhere
from tests.integration.together.test_finished_twice import agreed, witnesses

MARRIAGE = "1.000894"
LEADER = ("leader", "H56.97")


async def backdated(everywhere: Everywhere) -> int:
    report = await everywhere.http.get(f"{everywhere.stack.urls['metrics']}/v1/reports/district?agency=H56.97")
    return int(report.json()["backdated"])


async def test_it_is_flagged_where_its_deadline_is_explained_and_counted_in_public(
    everywhere: Everywhere, counter: Counter
) -> None:
    await everywhere.rest()
    before, counted = await witnesses(everywhere), await backdated(everywhere)
    received, recorded = counter.now() - timedelta(minutes=10), counter.now()
    said: dict[str, Any] = {"place": COMMUNE, "procedure_code": MARRIAGE, "received_at": received.isoformat()}
    said |= {"evidence": "handwritten_receipt", "evidence_no": "7/2020"}
    approval = (await counter.approve(said, counter.bearer(*LEADER))).json()["id"]
    earlier = {"received_at": received.isoformat(), "approval": approval}
    answer = await counter.hand_in(await counter.filing(MARRIAGE) | {"backdating": earlier})
    assert answer.status_code == HTTPStatus.CREATED, answer.text
    code = answer.json()["code"]
    await everywhere.rest()
    deadline = f"{everywhere.stack.urls['processing']}/v1/dossiers/{code}/deadline"
    shown = (await everywhere.http.get(deadline, headers=counter.bearer("auditor", "H56.90"))).json()
    assert (shown["accepted_at"], shown["backdating"]["recorded_at"]) == (received.isoformat(), recorded.isoformat())
    assert (shown["backdating"]["officer"], shown["backdating"]["agency"]["code"]) == ("leader@H56.97", "H56.97")
    first = shown["steps"][0]["stays"]
    assert first == [{"begins_at": received.isoformat(), "ended_at": recorded.isoformat()}]
    assert await agreed(everywhere, before) == {"received": 1, "in_progress": 1, "in_progress_within_limit": 1}
    assert await backdated(everywhere) == counted + 1
