"""A dossier waits for papers that intake takes in, others are closed: every service and every witness agree."""

from __future__ import annotations

from typing import Any

from tests.integration.intake.counter import COMMUNE
from tests.integration.intake.counter import Counter as Desk
from tests.integration.intake.test_registrations import view
from tests.integration.together.everywhere import Everywhere, grown
from tests.integration.together.test_finished_twice import act, agreed, dossier, walk, witnesses

MARRIAGE, PAPER = "1.000894", "giay-to-tuy-than"
CLERK = ("desk", COMMUNE, "clerk")


async def handed_in(everywhere: Everywhere, counter: Desk) -> str:
    code = str((await counter.hand_in(await counter.filing(MARRIAGE))).json()["code"])
    await everywhere.rest()
    return code


async def at_intake(counter: Desk, code: str, action: str, body: Any = None) -> None:
    desk = counter.bearer()
    version = (await view(counter, code, desk))["version"]
    answer = await counter.act(code, action, desk, version, body)
    assert answer.status_code == 200, answer.text


async def test_papers_that_arrive_at_intake_let_the_clock_go_on(everywhere: Everywhere, counter: Desk) -> None:
    await everywhere.rest()
    before = await witnesses(everywhere)
    code = await handed_in(everywhere, counter)
    waiting = {"received": 1, "in_progress": 1, "in_progress_within_limit": 1}
    seen = await everywhere.look()
    await act(everywhere, code, "request_supplement", CLERK, {"papers": [PAPER]})
    assert await agreed(everywhere, before) == waiting
    told = grown(seen, await everywhere.look())
    assert told.keys() == {"notices", "told"}
    assert told["notices"] == {f"{code} supplement_requested": 1}
    await at_intake(counter, code, "submit_papers", {"papers": [{"paper_code": PAPER, "photocopies": 2}]})
    await everywhere.rest()
    arrived = await dossier(everywhere, code)
    assert (arrived["state"], arrived["promised_paused_since"], arrived["halts"][0]["missing"]) == (5, None, [])
    await act(everywhere, code, "receive_supplement", CLERK, {})
    await everywhere.rest()
    assert (await dossier(everywhere, code))["state"] == (await view(counter, code, counter.bearer()))["state"] == 2
    await walk(everywhere, code, 10)
    assert await agreed(everywhere, before) == {"received": 1, "resolved": 1, "resolved_on_time": 1}


async def test_a_dossier_that_its_applicant_wants_back_is_closed_without_result(
    everywhere: Everywhere, counter: Desk
) -> None:
    await everywhere.rest()
    before = await witnesses(everywhere)
    code = await handed_in(everywhere, counter)
    await at_intake(counter, code, "request_withdrawal")
    await everywhere.rest()
    seen = await everywhere.look()
    assert "withdraw" in [duty["action"] for duty in (await dossier(everywhere, code))["open_duties"]]
    await act(everywhere, code, "withdraw", CLERK, {})
    assert await agreed(everywhere, before) == {"received": 1, "resolved": 1, "closed_without_result": 1}
    told = grown(seen, await everywhere.look())
    assert told["closed"] == {code: 1}
    assert told["notices"] == {f"{code} withdrawn": 1}
    assert (await view(counter, code, counter.bearer()))["state"] == 7
