"""The full year as it is typed, on a stack of its own: other suites may run beside it."""

from __future__ import annotations

import json

import pytest

from deploy.demo.ledger import digest_of
from deploy.demo.plan import YearRequest
from tests.e2e import years as others
from tests.e2e.test_command import all_ended, demo
from tests.e2e.years import YearRunner
from tests.ports import BLOCK

FOLDER, PORT_BASE = others.FOLDER.with_name("e2e-full-year"), others.PORT_BASE + BLOCK


@pytest.mark.timeout(2400)
async def test_the_full_year_as_it_is_typed_gives_the_reported_figures(years: YearRunner) -> None:
    async with demo("--exit", "--json", folder=FOLDER, port_base=PORT_BASE) as process:
        out, errors = await process.communicate()
    all_ended(PORT_BASE)
    assert process.returncode == 0, errors.decode()[-2000:]
    assert errors.decode().startswith("the board: ")
    assert out.count(b"\n") == 1
    found = json.loads(out)
    assert found["received"] == 9470
    assert found["resolved"] == found["resolved_on_time"] + found["closed_without_result"] == 9315
    assert found["closed_without_result"] == 189
    assert sum(found["courses"].values()) == 189 + 568
    assert found["in_progress"] == found["in_progress_within_limit"] == 155
    assert found["in_progress_overdue"] == found["resolved_late"] == 0
    assert found["share_resolved_of_received"] == 0.9836
    assert found["share_on_time"] == 1.0
    assert found["apologies_published"] == found["foreign"] == found["events"]["parked"] == 0
    assert found["sources_agree"] is True
    assert found["codes_sha256"] == digest_of(years.plan(YearRequest()).codes)
