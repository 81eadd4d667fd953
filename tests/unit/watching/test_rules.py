"""Prometheus and Alertmanager take what we ship, and each alert fires when it should and not before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.tools import run
from tests.unit.watching.alerts import ALERTS, DASHBOARDS, PROMETHEUS, RULES, queries
from tests.unit.watching.cases import CASES, as_file

SEVERITIES = {"critical", "warning"}


def test_the_rules_and_the_configurations_are_taken() -> None:
    run("promtool", "check", "rules", *RULES)
    run("promtool", "check", "config", PROMETHEUS / "prometheus.yml")
    run("amtool", "check-config", PROMETHEUS / "alertmanager.yml")


def test_each_alert_fires_and_does_not_fire(tmp_path: Path) -> None:
    assert {case.alert for case in CASES if case.silent} == ALERTS.keys()
    tests = tmp_path / "tests.yml"
    tests.write_text(json.dumps(as_file(CASES)))
    run("promtool", "test", "rules", tests)


def test_an_alert_that_is_not_what_the_cases_say_fails(tmp_path: Path) -> None:
    planted = tmp_path / "planted.yml"
    planted.write_text(RULES[-1].read_text("utf-8").replace('status=~"5.."', 'status=~"4.."'))
    tests = tmp_path / "tests.yml"
    files = [str(path) for path in (*RULES[:-1], planted)]
    cases = [case for case in CASES if case.alert == "ErrorBudgetBurnsFast"]
    tests.write_text(json.dumps(as_file(cases) | {"rule_files": files}))
    with pytest.raises(AssertionError, match=r"alertname: ?ErrorBudgetBurnsFast"):
        run("promtool", "test", "rules", tests)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_urgent_it_is_what_is_seen_and_where_to_read_on(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in SEVERITIES
    assert rule["annotations"].keys() == {"summary", "description", "runbook"}
    assert rule["annotations"]["runbook"] == f"docs/runbooks/{name}.md"


def test_what_inhibits_and_is_inhibited_is_an_alert_of_ours() -> None:
    config = YAML(typ="safe").load((PROMETHEUS / "alertmanager.yml").read_text("utf-8"))
    for rule in config["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            label, _, names = matcher.replace("=~", "=").partition("=")
            if label == "alertname":
                assert set(names.strip('"').split("|")) <= ALERTS.keys(), matcher


def test_prometheus_takes_every_query_of_the_dashboards(tmp_path: Path) -> None:
    found = [query for dashboard in DASHBOARDS.values() for query in queries(dashboard)]
    asked = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(found)]
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": asked}]}))
    assert found
    run("promtool", "check", "rules", file)
