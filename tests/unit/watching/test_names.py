"""What rules, dashboards and runbooks name is there: metrics, alerts, pages; and what is not is found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.watching.alerts import (
    ALERTS,
    DASHBOARDS,
    GRAFANA,
    MONITORING,
    ROOT,
    RUNBOOKS,
    metrics_in,
    metrics_table,
    named,
    panels,
    queries,
    unknown,
)

DECLARED = re.compile(r"(Counter|Gauge|Histogram)(?:MetricFamily)?\(\s*\"(motcua_\w+)\"|# TYPE (motcua_\w+) (\w+)")
SECTIONS = ["What it means", "Who is affected", "Look at", "Do", "When it ends by itself"]
PAGES = sorted(RUNBOOKS.glob("*.md"))


def declared() -> dict[str, str]:
    """Every family of our own in the source, and its type."""
    found = {}
    for package in ("services", "shared"):
        for path in (ROOT / package).rglob("*.py"):
            for made, name, written, kind in DECLARED.findall(path.read_text("utf-8")):
                type_ = (made or kind).lower()
                found[(name or written).removesuffix("_total") + "_total" * (type_ == "counter")] = type_
    return found


def test_the_table_of_metrics_is_what_the_source_declares() -> None:
    ours = {metric.name: metric.type for metric in metrics_table() if metric.name.startswith("motcua_")}
    assert ours == declared(), "docs/monitoring.md has a row for each metric: add, change or remove what differs"


def test_every_metric_of_rules_dashboards_and_runbooks_is_exported() -> None:
    found = list(named())
    assert found
    assert unknown(iter(found)) == []


def test_a_metric_that_nobody_exports_is_found() -> None:
    expression = (
        'sum by (service) (rate(motcua_http_request_total{route!~"/livez", x="up_"}[5m])) / on (job) mtocua > 0.9'
    )
    assert metrics_in(expression) == {"motcua_http_request_total", "mtocua"}
    planted = [("Planted", name) for name in metrics_in(expression) | {"up", "motcua_http_requests_total"}]
    assert unknown(iter(planted)) == ["Planted: motcua_http_request_total", "Planted: mtocua"]


def test_variables_and_annotations_of_a_dashboard_are_read_like_its_panels() -> None:
    asked = "label_values(mtocua_up{job='motcua'}, service)"
    variable = {"type": "query", "definition": asked, "query": {"query": asked, "refId": "service"}}
    marks = {"list": [{"expr": "changes(mtocua_restarts[$__rate_interval]) > 0"}]}
    planted = {"panels": [], "templating": {"list": [variable, {"type": "interval"}]}, "annotations": marks}
    found = list(queries(planted))
    assert found == ["mtocua_up{job='motcua'}", "changes(mtocua_restarts[1m]) > 0"]
    assert set().union(*map(metrics_in, found)) == {"mtocua_up", "mtocua_restarts"}
    assert all("up" in set().union(*map(metrics_in, queries(dashboard))) for dashboard in DASHBOARDS.values())


def test_each_alert_has_its_page_and_its_line_in_the_overview() -> None:
    assert [page.stem for page in PAGES] == sorted(ALERTS)
    listed = re.findall(r"^\| \[(\w+)\]\(runbooks/\1\.md\) \| (\w+) \|", MONITORING.read_text("utf-8"), re.MULTILINE)
    assert dict(listed) == {name: rule["labels"]["severity"] for name, rule in ALERTS.items()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_answers_the_same_five_questions(page: Path) -> None:
    text = page.read_text("utf-8")
    assert text.startswith(f"# {page.stem}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_is_one_that_grafana_takes_and_a_person_reads(name: str) -> None:
    dashboard = DASHBOARDS[name]
    assert name == f"{dashboard['uid']}.json"
    datasources = (GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text("utf-8")
    places = set()
    for panel in panels(dashboard):
        assert panel["title"]
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert f"uid: {panel['datasource']['uid']}\n" in datasources
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & places, f"{panel['title']} covers another panel"
        assert max(x for x, _ in cells) < 24
        places |= cells
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
