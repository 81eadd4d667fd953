from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from deploy.demo.chaos import Strike, Struck, astray, strikes_of
from deploy.demo.ledger import digest_of
from deploy.demo.plan import YearRequest, plan_year
from deploy.demo.play import seed_rules
from deploy.demo.report import Events, Notices, YearReport
from deploy.local.services import SERVICES, service_of

SEEDS = range(100)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_a_seed_says_what_is_struck_and_when() -> None:
    assert strikes_of(1) == strikes_of(1)
    assert len({strikes_of(seed) for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_everything_is_struck_while_dossiers_are_filed(seed: int) -> None:
    strikes = strikes_of(seed)
    struck = Counter(service_of(strike.part) for strike in strikes)
    assert struck == dict.fromkeys(SERVICES, 2) | {"kafka": 1, "postgres": 1}
    shares = [strike.share for strike in strikes]
    assert len(set(shares)) == len(strikes) >= 10
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 1


def test_both_replicas_of_each_service_are_struck_sooner_or_later() -> None:
    struck = {strike.part for seed in SEEDS for strike in strikes_of(seed)}
    assert {part for part in struck if part[-1] == "2"} == {f"{service}_2" for service in SERVICES}


def test_a_strike_after_which_the_same_process_stands_did_not_strike() -> None:
    assert Struck(Strike(0.5, "intake"), 7, 8, NOON, NOON).struck
    assert not Struck(Strike(0.5, "intake"), 7, 7, NOON, NOON).struck


PLAN = plan_year(seed_rules(), YearRequest(300, open=4))
CODES = sorted(PLAN.codes)


@pytest.mark.parametrize(
    ("codes", "foreign", "faults"),
    [
        (CODES, 0, 0),
        (CODES, 1, 1),  # one filing took effect twice
        ([*CODES[:-1], f"{CODES[-1][:-4]}9999"], 1, 2),  # a place left a number out
    ],
)
def test_a_year_under_fire_has_the_plans_codes_and_no_others(codes: list[str], foreign: int, faults: int) -> None:
    report = YearReport((), Notices(0, 0, 0, 0, 0), Events(0, {}, 0), foreign, digest_of(codes), 1.0)
    assert len(CODES) == len(set(CODES)) == 300
    assert len(astray(report, PLAN)) == faults
