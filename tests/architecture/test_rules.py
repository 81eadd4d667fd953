"""The house rules hold, and each of them is seen to fail on a planted violation."""

from __future__ import annotations

import pytest

from tests.architecture import rules
from tests.architecture.rules import Module, Rule

LONG = "\n".join(["def long():", *["    x = 1"] * 60])
SQL = (
    "f'select {column} from dossiers'",
    "f'update {table} set state = 4'",
    "f'{table}' + f'delete from {table} where true'",
    "'update dossiers as d set state = 4'",
    "'update intake.dossiers set state = 4'",
    "'truncate dossiers'",
    "'lock table dossiers in share mode'",
    "'merge into dossiers using papers on true when matched then delete'",
    "'copy dossiers (code) from stdin'",
    "'grant select on dossiers to intake'",
    "'revoke all on dossiers from intake'",
    "'select 1'",
    "'select count(*) as n'",
    "'with found as materialized (table dossiers) table found'",
    "'drop table dossiers'",
    "'table dossiers'",
    "'do $$ begin end $$'",
    "'call close_the_year()'",
    "'create or replace function due() returns date'",
    "'create trigger due before insert on dossiers'",
    "'vacuum analyze'",
    "'set local search_path to intake'",
    "'-- the open ones\\nselect code from dossiers'",
)
PLANTED: dict[Rule, tuple[Module, ...]] = {
    rules.sizes: (
        Module("shared/planted.py", "x = 1\n" * 301),
        Module("shared/planted.py", LONG),
        Module("shared/planted.py", "def wide(a, b, c, d, e, f): ..."),
    ),
    rules.names: (
        Module("shared/utils.py", ""),
        Module("services/intake/base.py", ""),
        Module("shared/planted.py", "def again2(): ..."),
    ),
    rules.sql_in_its_place: (
        Module("services/intake/handlers.py", "Q = 'select code from dossiers'"),
        Module("services/intake/api.py", "Q = '''\n    update dossiers set state = 4\n'''"),
        *(Module("services/intake/api.py", f"Q = {text}") for text in SQL),
    ),
    rules.no_clock_in_sql: (
        Module("services/intake/repository.py", "Q = 'select code from dossiers where due < now()'"),
        Module("services/metrics/repository.py", "Q = 'insert into counters values (current_date)'"),
        Module("services/metrics/repository.py", "WHERE = 'due < now()'"),
        Module("services/metrics/repository.py", "WHERE = \"due < 'now'::timestamptz\""),
        Module("services/metrics/repository.py", "WHERE = 'told < timeofday()'"),
    ),
    rules.no_clock_in_pure_parts: (
        Module("services/processing/domain/workflow.py", "import datetime\nx = datetime.now()"),
        Module("services/processing/domain/workflow.py", "import datetime\nx = datetime.datetime.now()"),
        Module("shared/rulebook/limits.py", "x = date.today()"),
        Module("shared/rulebook/seed/checks.py", "x = date.today()"),
        Module("shared/rulebook/limits.py", "import datetime as dt\nx = dt.datetime.now()"),
        Module("shared/rulebook/limits.py", "from datetime import datetime\nread = datetime.now"),
        Module("shared/rulebook/limits.py", "import datetime as dt\nread = dt.datetime.now"),
        Module("shared/rulebook/limits.py", "from datetime import datetime as moment\nread = moment.utcnow"),
        Module("shared/rulebook/limits.py", "x = clock.now()"),
        Module("shared/rulebook/limits.py", "from time import time\nx = time()"),
        Module("shared/rulebook/limits.py", "import time as t\nx = t.monotonic()"),
    ),
    rules.no_io_in_pure_parts: (
        Module("services/metrics/domain/report.py", "x = open('report.txt')"),
        Module("services/metrics/domain/report.py", "print('report')"),
        Module("shared/rulebook/limits.py", "x = place.read_text()"),
        Module("shared/contracts/facts.py", "from pathlib import Path"),
        Module("shared/rulebook/seed/checks.py", "import urllib.request"),
    ),
    rules.no_swallowed_exceptions: (Module("shared/planted.py", "try:\n    f()\nexcept ValueError:\n    pass"),),
    rules.nothing_unfinished: (Module("shared/planted.py", "# TODO: later"),),
}


@pytest.mark.parametrize("rule", rules.RULES)
def test_the_code_keeps_the_rule(rule: Rule) -> None:
    assert [fault for module in rules.modules() for fault in rule(module)] == []


@pytest.mark.parametrize("rule", rules.RULES)
def test_the_rule_fails_on_a_planted_violation(rule: Rule) -> None:
    for planted in PLANTED[rule]:
        assert list(rule(planted)), planted


def test_nine_functions_of_ten_are_short() -> None:
    assert rules.p90_of_functions(rules.modules()) <= rules.FUNCTION_LINES_P90
    assert rules.p90_of_functions(iter([Module("a.py", LONG), Module("b.py", LONG)])) > rules.FUNCTION_LINES_P90


def test_migrations_use_no_clock_of_the_database_outside_messaging() -> None:
    assert [fault for path, text in rules.migrations() for fault in rules.no_clock_in_migrations(path, text)] == []
    planted = "create table papers (code text not null, filed_at timestamptz not null default now());"
    assert list(rules.no_clock_in_migrations("services/intake/migrations/0099_planted.sql", planted))
    assert list(rules.migrations())


ON_PLAIN_POOLS = {
    "intake: rules_router": "publishes rules and names no dossier (ADR 41)",
    "intake: internal_router": "for other services and operators",
    "processing: internal_router": "for operators",
    "processing: register_router": "rereads the register of officers, which names no dossier, around each addition",
    "notification: notices_router": "counts for operators; a dossier's notices are read by a CallersPool beside",
    "notification: receipts_router": "for the gateway, by the message's reference",
    "metrics: board_router": "public figures",
    "metrics: report_router": "public figures",
    "metrics: history_router": "published roots",
    "metrics: quiet_router": "for operators",
}
"""Routers whose requests are done in the service's own role, past row-level security, and why."""
PLANTED_ROUTERS = """
class Asking:
    def __init__(self, callers: CallersPool, pool: Pool | None) -> None: ...
@dataclass
class Desk:
    asking: Asking
def direct_router(pool: Pool) -> APIRouter: ...
def hidden_router(desk: Desk) -> APIRouter: ...
def scoped_router(pool: CallersPool) -> APIRouter: ...
"""


def test_routers_get_a_callers_pool_or_stand_in_the_list_with_the_reason() -> None:
    of_services = [module for module in rules.modules() if module.path.startswith("services/")]
    assert rules.routers_on_plain_pools(of_services) == ON_PLAIN_POOLS.keys()
    planted = Module("services/intake/api/planted.py", PLANTED_ROUTERS)
    assert rules.routers_on_plain_pools([planted]) == {"intake: direct_router", "intake: hidden_router"}
