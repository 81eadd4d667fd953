"""A dossier is finished, reopened, finished anew, handed over and corrected: every service and every witness agree."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

from deploy.demo.report import COMPARED
from deploy.demo.witnesses.service import report_of, scrape_of
from deploy.demo.witnesses.sql import sql_of
from shared.clocks import ScenarioClock
from tests.integration.intake.counter import Counter as Desk
from tests.integration.together.everywhere import Everywhere, grown

_keys = itertools.count(1)


async def dossier(everywhere: Everywhere, code: str) -> dict[str, Any]:
    token = everywhere.stack.token("auditor", "H56.90", "auditor")
    url = f"{everywhere.stack.urls['processing']}/v1/dossiers/{code}"
    return dict((await everywhere.http.get(url, headers={"Authorization": f"Bearer {token}"})).json())


async def act(everywhere: Everywhere, code: str, action: str, officer: tuple[str, str, str], body: Any) -> None:
    version = (await dossier(everywhere, code))["version"]
    headers = {
        "Authorization": f"Bearer {everywhere.stack.token(*officer)}",
        "Idempotency-Key": f"reopened-{next(_keys)}",
        "If-Match": f'"{version}"',
    }
    url = f"{everywhere.stack.urls['processing']}/v1/dossiers/{code}/acts/{action}"
    answer = await everywhere.http.post(url, headers=headers, json=body)
    assert answer.status_code == 200, answer.text


async def walk(everywhere: Everywhere, code: str, state: int) -> None:
    """Do what is owed until the dossier is in that state."""
    while (seen := await dossier(everywhere, code))["state"] != state:
        duty = seen["open_duties"][0]
        subject = duty["holder"] or f"{duty['role']}.{duty['agency']}"
        step = next(step for step in seen["steps"] if step["step_no"] == duty["step_no"])
        body = {
            "assign": {"officer": f"{step['role']}.{step['agency']}", "agency": step["agency"]},
            "hand_over": {"receiver": "applicant", "handover": "desk"},
        }.get(duty["action"], {"step_no": duty["step_no"]})
        await act(everywhere, code, duty["action"], (duty["role"], duty["agency"], subject), body)


async def witnesses(everywhere: Everywhere) -> Mapping[str, Counter[str]]:
    assert everywhere.stack.scenario_file is not None
    now = ScenarioClock(everywhere.stack.scenario_file).now()
    stage = everywhere.stage
    heard = (
        await report_of(stage.callers["metrics"], date(2020, 1, 1), now.date()),
        await scrape_of(stage.scraped),
        await sql_of(everywhere.database, now),
    )
    return {witness.name: Counter(dict(witness.figures)) for witness in heard}


async def agreed(everywhere: Everywhere, before: Mapping[str, Counter[str]]) -> dict[str, int]:
    """By how much every figure grew, which all witnesses must say alike."""
    await everywhere.rest()
    said = []
    for name, figures in (await witnesses(everywhere)).items():
        added = Counter(figures)
        added.subtract(before[name])
        said.append({figure: added[figure] for figure in COMPARED if added[figure]})
    assert said[0] == said[1] == said[2]
    return said[0]


async def test_all_witnesses_agree_before_and_after_a_dossier_is_reopened(
    everywhere: Everywhere, counter: Desk
) -> None:
    await everywhere.rest()
    before = await witnesses(everywhere)
    code = str((await counter.hand_in(await counter.filing())).json()["code"])
    await everywhere.rest()
    await walk(everywhere, code, 9)
    ready = {"received": 1, "resolved": 1, "resolved_on_time": 1}
    assert await agreed(everywhere, before) == ready
    seen = await everywhere.look()
    boss = ("leader", (await dossier(everywhere, code))["competent_agency"], "boss")
    await act(everywhere, code, "reopen", boss, {"reason": "result_faulty"})
    assert await agreed(everywhere, before) == {"received": 1, "in_progress": 1, "in_progress_within_limit": 1}
    told = grown(seen, await everywhere.look())
    assert told["closed"] == {code: -1}, "intake takes it for open again"
    assert told["notices"] == {f"{code} result_reopened": 1}
    assert told["figures"] == {"resolved": -1}
    assert set(told["told"]) == {f"{code} result_reopened sms", f"{code} result_reopened mail"}
    await walk(everywhere, code, 10)
    assert await agreed(everywhere, before) == ready
    seen = await everywhere.look()
    await act(everywhere, code, "correct_result", boss, {"reason": "clerical_error"})
    assert await agreed(everywhere, before) == ready
    told = grown(seen, await everywhere.look())
    assert told.keys() == {"notices", "told"}
    assert told["notices"] == {f"{code} result_corrected": 1}
