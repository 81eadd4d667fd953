"""Cases that only a later catalogue has: other limits for online filings, and no appointment at all.

A dossier of each, from filing to hand-over.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from services.processing.domain.timers import OF_THE_PROMISE
from shared.contracts.facts import Language
from shared.rulebook.explanation_text import WORDS
from shared.rulebook.limits import NO_APPOINTMENT
from tests.integration.intake.counter import COMMUNE, Counter
from tests.integration.together import refold
from tests.integration.together.everywhere import Everywhere, grown
from tests.integration.together.refold import CATALOGUE, Clock, Fold
from tests.integration.together.test_clock_stands import PAPER, at_intake
from tests.integration.together.test_finished_twice import act, agreed, dossier, walk, witnesses
from tests.integration.together.test_rule_versions import PROVINCE
from tests.operating import as_json, motcua
from tests.waiting import until

MARRIAGE, HURRIED, UNHURRIED = (("1.000894", case) for case in ("default", "hurried", "unhurried"))
CHANGES = """procedure_code,case_code,field,value
1.000894,hurried,copy_of,default
1.000894,hurried,limit_kind,working_days
1.000894,hurried,cut_off,
1.000894,hurried,statutory,5
1.000894,hurried,promised,2
1.000894,hurried,statutory_online,4
1.000894,hurried,promised_online,1
1.000894,unhurried,copy_of,default
1.000894,unhurried,limit_kind,none
1.000894,unhurried,cut_off,
"""
LAW = CATALOGUE[MARRIAGE] | {"limit_kind": "working_days", "cut_off": ""}
LIMITS = {True: {"statutory": "4", "promised": "1"}, False: {"statutory": "5", "promised": "2"}}
"""Filed online or not → what the made-up case allows, in working days."""
CLERK = ("desk", COMMUNE, "clerk")
SAID = {
    Language.VI: "Thời hạn riêng của hồ sơ nộp trực tuyến",
    Language.EN: "The limit is the one for what is filed online",
}


@pytest.fixture(scope="module")
async def version(everywhere: Everywhere, counter: Counter, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The catalogue in which the cases stand, planned and applied."""
    return await applied(everywhere, counter, CHANGES, tmp_path_factory.mktemp("rules") / "changes.csv")


async def applied(everywhere: Everywhere, counter: Counter, changes: str, file: Path) -> str:
    file.write_text(changes, "utf-8")
    plan = await as_json(everywhere.stack, "catalogue", "plan", str(file))
    signed = ("--token", everywhere.stack.token("leader", PROVINCE, "signer"))
    await as_json(everywhere.stack, "catalogue", "apply", str(file), *signed)

    async def in_force() -> bool:
        return bool((await counter.http.get("/v1/procedures")).json()["catalogue_version"] == plan["version"])

    await until(in_force)
    return str(plan["version"])


async def filed(counter: Counter, case: tuple[str, str] = HURRIED, *, online: bool) -> Mapping[str, Any]:
    """What its acceptance answers: over the counter, or after its applicant registered it."""
    filing = await counter.filing(*MARRIAGE) | {"case_code": case[1]}
    if not online:
        return dict((await counter.hand_in(filing)).json())
    answer = await counter.register(filing, counter.bearer("citizen", "", "hurried-applicant"))
    assert answer.status_code == 201, answer.text
    answer = await counter.act(answer.json()["code"], "accept", counter.bearer("desk"))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def by_hand(everywhere: Everywhere, code: str, *, online: bool) -> dict[str, Clock]:
    """All limits of a dossier by the witness that shares no code with the rulebook."""
    facts = (await refold.history(everywhere, [code]))[code]
    accepted = next(fact for fact in facts if fact.kind == "accepted")
    fold = Fold(LAW | LIMITS[online], accepted.at, refold.SEED)
    for fact in facts:
        if fact.recorded_at > accepted.recorded_at:
            fold.hear(fact)
    return {**fold.in_force, refold.APPLICANT: tuple(fold.own_limits)}


async def explained(everywhere: Everywhere, counter: Counter, code: str, **headers: str) -> Any:
    url = f"{everywhere.stack.urls['processing']}/v1/dossiers/{code}/deadline"
    return await everywhere.http.get(url, headers=counter.bearer("auditor", PROVINCE) | headers)


async def said_everywhere(everywhere: Everywhere, counter: Counter, code: str, *, online: bool) -> None:
    """Whoever tells a due moment tells the same, and the explanation tells of which limit it is."""
    clock = await by_hand(everywhere, code, online=online)
    seen = await dossier(everywhere, code)
    assert seen["filed_online"] is online
    assert refold.clock_of((await refold.stored(everywhere, [code]))[code]) == clock
    shown = (await explained(everywhere, counter, code)).json()
    for name in LIMITS[online]:
        (due, since), limit = clock[name], shown[name]
        assert (limit["online"], limit["limit"]["n"]) == (online, int(LIMITS[online][name]))
        assert [limit[each] and datetime.fromisoformat(limit[each]) for each in ("due_at", "paused_since")] == [
            due,
            since,
        ]
    for language, line in SAID.items():
        text = (
            await explained(everywhere, counter, code, **{"Accept": "text/plain", "Accept-Language": language})
        ).text
        assert text.splitlines().count(line) == (2 if online else 0)


async def worklist(everywhere: Everywhere, code: str, **asked: str) -> dict[str, Any] | None:
    token = everywhere.stack.token(*CLERK)
    url = f"{everywhere.stack.urls['processing']}/v1/worklist?{urlencode({'limit': 200, **asked})}"
    items = (await everywhere.http.get(url, headers={"Authorization": f"Bearer {token}"})).json()["items"]
    return next((item for item in items if item["code"] == code), None)


async def test_a_dossier_has_the_limits_of_how_it_was_filed_from_acceptance_to_hand_over(
    everywhere: Everywhere, counter: Counter, version: str
) -> None:
    await everywhere.rest()
    before = await witnesses(everywhere)
    codes = {online: (await filed(counter, online=online))["code"] for online in (True, False)}
    await everywhere.rest()
    for online, code in codes.items():
        due, _ = (await by_hand(everywhere, code, online=online))["promised"]
        item = await worklist(everywhere, code)
        assert item is not None
        assert datetime.fromisoformat(item["promised_due"]) == due
        timers = "select due_at from processing.timers where code = $1 and kind = 'become_overdue'"
        assert await everywhere.database.fetchval(timers, code) == due
        assert (await dossier(everywhere, code))["catalogue_version"] == version
        await said_everywhere(everywhere, counter, code, online=online)
        await act(everywhere, code, "request_supplement", CLERK, {"papers": [PAPER]})
    await everywhere.rest()
    for online, code in codes.items():
        await said_everywhere(everywhere, counter, code, online=online)
        await at_intake(counter, code, "submit_papers", {"papers": [{"paper_code": PAPER, "photocopies": 2}]})
    await everywhere.rest()
    for online, code in codes.items():
        await act(everywhere, code, "receive_supplement", CLERK, {})
        await said_everywhere(everywhere, counter, code, online=online)
        await walk(everywhere, code, 10)
        await said_everywhere(everywhere, counter, code, online=online)
    assert await agreed(everywhere, before) == {"received": 2, "resolved": 2, "resolved_on_time": 2}
    _, differing, said = await motcua(everywhere.stack, "verify", "clocks", "--json")
    assert "facts" in said
    assert not {json.loads(line)["code"] for line in differing.splitlines()} & {*codes.values()}


async def test_the_catalogue_says_both_limits_and_null_is_as_at_the_desk(counter: Counter, version: str) -> None:
    listed = (await counter.http.get("/v1/procedures")).json()
    assert listed["catalogue_version"] == version
    limits = {
        (item["procedure_code"], item["case_code"]): [
            item[name] for name in ("statutory", "promised", "statutory_online", "promised_online")
        ]
        for item in listed["items"]
    }
    assert (limits[HURRIED], limits[UNHURRIED], limits[MARRIAGE]) == ([5, 2, 4, 1], [None] * 4, [None] * 4)


async def names_no_day(everywhere: Everywhere, counter: Counter, code: str) -> None:
    """Nobody is told a day: not the officer, not the applicant, not whoever prints the explanation."""
    shown = (await explained(everywhere, counter, code)).json()
    for name in refold.LIMITS:
        assert shown[name]["limit"] == {"unit": "none", "n": None, "cutoff": None}
        assert [shown[name][each] for each in ("due_at", "half_time_at", "apology_draft_at")] == [None] * 3
    for language in Language:
        said = {"Accept": "text/plain", "Accept-Language": language}
        text = (await explained(everywhere, counter, code, **said)).text
        assert text.count(WORDS[language]["none"]) == 2
        assert "9999" not in text
    secret = "the applicant of no day has it"
    hashed = hashlib.sha256(secret.encode()).digest()
    await everywhere.database.execute(
        "update processing.cases set tracking_secret_hash = $2 where code = $1", code, hashed
    )
    url = f"{everywhere.stack.urls['processing']}/v1/tracking"
    token = (await everywhere.http.post(url, json={"code": code, "secret": secret})).json()["token"]
    tracked = (await everywhere.http.get(f"{url}/{code}", headers={"Authorization": f"Bearer {token}"})).json()
    assert tracked["appointed"] is False
    warned = "select count(*) from processing.timers where code = $1 and kind = any($2::text[])"
    assert await everywhere.database.fetchval(warned, code, [*OF_THE_PROMISE]) == 0


async def test_a_dossier_without_an_appointment_is_never_late_and_no_day_is_named(
    everywhere: Everywhere, counter: Counter, version: str, tmp_path: Path
) -> None:
    await everywhere.rest()
    before, seen_before = await witnesses(everywhere), await everywhere.seen_now()
    online = await filed(counter, UNHURRIED, online=True)
    assert online["accepted"]["appointed"] is False
    answer = await filed(counter, UNHURRIED, online=False)
    code = answer["code"]
    assert (answer["limit_kind"], datetime.fromisoformat(answer["promised_due"])) == ("none", NO_APPOINTMENT)
    await everywhere.rest()
    registered = (await counter.http.get(f"/v1/registrations/{code}", headers=counter.bearer())).json()
    assert (registered["accepted_at"] is None, registered["promised_due"]) == (False, None)
    item = await worklist(everywhere, code, urgency="in_time")
    assert item is not None
    assert (item["appointed"], item["urgency"]) == (False, "in_time")
    told = grown(seen_before, await everywhere.seen_now())["notices"]
    assert told[f"{code} accepted"] == 1
    await names_no_day(everywhere, counter, code)
    back = "procedure_code,case_code,field,value\n" + "".join(
        f"1.000894,unhurried,{field},{value}\n"
        for field, value in (("limit_kind", "working_days"), ("statutory", "3"), ("promised", "1"))
    )
    assert await applied(everywhere, counter, back, tmp_path / "back.csv") != version
    await act(everywhere, code, "request_supplement", CLERK, {"papers": [PAPER]})
    await everywhere.rest()
    waiting = await dossier(everywhere, code)
    assert waiting["promised_paused_since"] is not None
    limits = "select kind from processing.timers where code = $1"
    assert [row["kind"] for row in await everywhere.database.fetch(limits, code)] == ["supplement_limit"]
    await at_intake(counter, code, "submit_papers", {"papers": [{"paper_code": PAPER, "photocopies": 2}]})
    await everywhere.rest()
    await act(everywhere, code, "receive_supplement", CLERK, {})
    refused = await apology(everywhere, code)
    assert (refused["status"], refused["code"]) == (409, "draft_open")
    await names_no_day(everywhere, counter, code)
    for each in (code, online["code"]):
        await walk(everywhere, each, 10)
    assert (await dossier(everywhere, code))["catalogue_version"] == version
    assert await agreed(everywhere, before) == {"received": 2, "resolved": 2, "resolved_on_time": 2}
    await names_no_day(everywhere, counter, code)
    _, differing, said = await motcua(everywhere.stack, "verify", "clocks", "--json")
    assert "facts" in said
    assert not {json.loads(line)["code"] for line in differing.splitlines()} & {code, online["code"]}


async def apology(everywhere: Everywhere, code: str) -> dict[str, Any]:
    """What a leader is answered who would apologise for a day that was never named."""
    seen = await dossier(everywhere, code)
    headers = {
        "Authorization": f"Bearer {everywhere.stack.token('leader', seen['competent_agency'], 'boss')}",
        "Idempotency-Key": f"apology-{code}",
        "If-Match": f'"{seen["version"]}"',
    }
    url = f"{everywhere.stack.urls['processing']}/v1/dossiers/{code}/acts/send_apology"
    return dict((await everywhere.http.post(url, headers=headers, json={"reason": "workload"})).json())
