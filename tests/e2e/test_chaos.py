"""`motcua demo --chaos SEED`, small: the year under fire is the same year."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from deploy.demo.ledger import digest_of
from deploy.local.services import SERVICES, service_of
from tests.e2e.conftest import SMALL, YearRunner
from tests.e2e.test_command import all_ended, demo

SEED = 4
REQUEST = {"dossiers": SMALL.dossiers, "open": SMALL.open, "late": SMALL.late, "seed": SMALL.seed, "chaos": SEED}


@pytest.mark.timeout(1500)
async def test_a_year_under_fire_has_the_figures_and_codes_of_the_undisturbed_one(years: YearRunner) -> None:
    words = [word for name, value in REQUEST.items() for word in (f"--{name}", str(value))]
    async with demo("--exit", "--json", *words) as process:
        out, errors = await process.communicate()
    told = errors.decode()
    assert process.returncode == 0, told[-3000:]
    all_ended()
    found = json.loads(out)
    assert found["received"] == SMALL.dossiers
    assert found["resolved"] == SMALL.dossiers - SMALL.open
    assert found["resolved_late"] == found["apologies_published"] == SMALL.late
    assert found["in_progress"] == found["in_progress_within_limit"] == SMALL.open
    assert found["foreign"] == 0
    assert found["sources_agree"] is True
    assert found["codes_sha256"] == digest_of(years.plan(SMALL).codes)
    chaos = found["chaos"]
    assert chaos["seed"] == SEED
    assert Counter(service_of(strike["part"]) for strike in chaos["strikes"] if strike["struck"]) == (
        dict.fromkeys(SERVICES, 2) | {"kafka": 1, "postgres": 1}
    )
    assert told.count(" killed, process ") == len(chaos["strikes"]) == 10
    assert f"chaos {SEED}: 10 of 10 strikes struck" in told
