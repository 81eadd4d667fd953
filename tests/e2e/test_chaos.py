"""`motcua demo --chaos SEED`, small: the year under fire is the same year."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from deploy.demo.report import COMPARED, YearReport
from deploy.local.services import SERVICES, service_of
from tests.e2e.conftest import SMALL
from tests.e2e.test_command import all_ended, demo

SEED = 4
REQUEST = {"dossiers": SMALL.dossiers, "open": SMALL.open, "late": SMALL.late, "seed": SMALL.seed, "chaos": SEED}
SAME = (*COMPARED, "codes_sha256", "foreign", "sources_agree")


@pytest.mark.timeout(1500)
async def test_a_year_under_fire_has_the_figures_and_codes_of_the_undisturbed_one(undisturbed: YearReport) -> None:
    words = [word for name, value in REQUEST.items() for word in (f"--{name}", str(value))]
    async with demo("--exit", "--json", *words) as process:
        out, errors = await process.communicate()
    told = errors.decode()
    assert process.returncode == 0, told[-3000:]
    all_ended()
    found, expected = json.loads(out), undisturbed.as_json()
    assert {name: found[name] for name in SAME} == {name: expected[name] for name in SAME}
    assert found["notices"]["requested"] == expected["notices"]["requested"]
    chaos = found["chaos"]
    assert chaos["seed"] == SEED
    assert Counter(service_of(strike["part"]) for strike in chaos["strikes"] if strike["struck"]) == (
        dict.fromkeys(SERVICES, 2) | {"kafka": 1, "postgres": 1}
    )
    assert told.count(" killed, process ") == len(chaos["strikes"]) == 10
    assert f"chaos {SEED}: 10 of 10 strikes struck" in told
