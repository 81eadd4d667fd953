"""The house rules hold, and each of them is seen to fail on a planted violation."""

from __future__ import annotations

import pytest

from tests.architecture import rules
from tests.architecture.rules import Module, Rule

LONG = "\n".join(["def long():", *["    x = 1"] * 60])
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
    ),
    rules.no_clock_in_sql: (
        Module("services/intake/repository.py", "Q = 'select code from dossiers where due < now()'"),
        Module("services/metrics/repository.py", "Q = 'insert into counters values (current_date)'"),
        Module("services/metrics/repository.py", "WHERE = 'due < now()'"),
    ),
    rules.no_clock_in_pure_parts: (
        Module("services/processing/domain/workflow.py", "import datetime\nx = datetime.now()"),
        Module("services/processing/domain/workflow.py", "import datetime\nx = datetime.datetime.now()"),
        Module("shared/rulebook/limits.py", "x = date.today()"),
        Module("shared/rulebook/seed/checks.py", "x = date.today()"),
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
    found = [
        path.relative_to(rules.ROOT).as_posix()
        for package in rules.PACKAGES
        for path in (rules.ROOT / package).rglob("*.sql")
        if "shared/messaging" not in path.as_posix() and rules.SQL_CLOCK.search(path.read_text("utf-8"))
    ]
    assert found == []
