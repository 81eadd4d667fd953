"""What was written down of the watching: rules, dashboards, runbooks, metrics; and the metrics an expression names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from deploy.local.services import SERVICES

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "deploy" / "prometheus"
GRAFANA = ROOT / "deploy" / "grafana"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
RUNBOOKS = ROOT / "docs" / "runbooks"
MONITORING = ROOT / "docs" / "monitoring.md"

OF_PROMETHEUS = {"up"}
"""What a scrape makes by itself."""
SAMPLES = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
"""Type → endings of the names under which a family's samples are read; a counter's family is named with its _total."""

_IN_QUOTES = re.compile(r"\"[^\"]*\"|'[^']*'")
_NO_METRICS = re.compile(
    r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)|\b\d[\w.]*|\$\w+"
)
_NAME = re.compile(r"[a-zA-Z_:][\w:]*(?!\s*\(|[\w:])")
_WORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right"}


_OF_A_SERIES = re.compile(r"^(?:label_values|query_result|metrics)\((.*?)(?:,\s*\w+)?\)$", re.DOTALL)
"""What Grafana asks for a variable's values, around an expression and the label that is wanted of it."""


def metrics_in(expression: str) -> set[str]:
    """Name the series that a PromQL expression reads: names that are no function, label, number or word of it."""
    bare = _NO_METRICS.sub(" ", _IN_QUOTES.sub("", expression))
    return set(_NAME.findall(bare)) - _WORDS


def rules() -> Iterator[dict[str, Any]]:
    """Every rule, of records and of alerts."""
    for path in RULES:
        for group in YAML(typ="safe").load(path.read_text("utf-8"))["groups"]:
            yield from group["rules"]


ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}
RECORDS = {rule["record"] for rule in rules() if "record" in rule}
DASHBOARDS = {path.name: json.loads(path.read_text("utf-8")) for path in sorted((GRAFANA / "dashboards").glob("*"))}


def panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every panel that shows something."""
    return (panel for panel in dashboard["panels"] if panel["type"] != "row")


def queries(dashboard: dict[str, Any]) -> Iterator[str]:
    """Every expression of a dashboard, with its variables as Prometheus would be given them."""
    return (query.replace("$__rate_interval", "1m") for query in _queries(dashboard))


def _queries(dashboard: dict[str, Any]) -> Iterator[str]:
    for panel in panels(dashboard):
        yield from (target["expr"] for target in panel["targets"])
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            for said in {variable["definition"], variable["query"]["query"]}:
                found = _OF_A_SERIES.match(said)
                assert found, f"a variable asks in a way that nobody holds against what is exported: {said}"
                yield found[1]
    yield from (annotation["expr"] for annotation in dashboard["annotations"]["list"])


@dataclass(frozen=True)
class Metric:
    """One row of the table of metrics: a family, its type, and the services that export it."""

    name: str
    type: str
    services: frozenset[str]

    @property
    def samples(self) -> set[str]:
        """The names under which it is read."""
        return {self.name + ending for ending in SAMPLES[self.type]}


def metrics_table() -> list[Metric]:
    """Read the table of docs/monitoring.md."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([\w, ]+) \|", MONITORING.read_text("utf-8"), re.MULTILINE)
    return [
        Metric(name, kind, frozenset(SERVICES if services == "all" else services.split(", ")))
        for name, kind, services in rows
    ]


def known() -> set[str]:
    """Every name that a rule, a panel or a runbook may read."""
    return OF_PROMETHEUS | RECORDS | {name for metric in metrics_table() for name in metric.samples}


def named() -> Iterator[tuple[str, str]]:
    """Where a metric is named, and the metric: rules, panels, runbooks."""
    for rule in rules():
        yield from ((rule.get("alert") or rule["record"], name) for name in metrics_in(rule["expr"]))
    for file, dashboard in DASHBOARDS.items():
        yield from ((file, name) for query in queries(dashboard) for name in metrics_in(query))
    for path in sorted(RUNBOOKS.glob("*.md")):
        yield from ((path.name, name) for name in re.findall(r"\bmotcua_\w+", path.read_text("utf-8")))


def unknown(found: Iterator[tuple[str, str]]) -> list[str]:
    """Say which names nobody exports."""
    may_be = known()
    return sorted({f"{place}: {name}" for place, name in found if name not in may_be})
