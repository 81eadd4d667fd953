"""For each alert the series under which it fires, and moments at which it must not: what promtool is given.

Values stand a minute apart, in promtool's notation: `0x4 61x5` is five times 0, then six times 61.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.unit.watching.alerts import ALERTS, RULES

OF_INTAKE = 'job="motcua", service="intake", instance="a"'
HEALTHY = 'job="motcua", service="intake", instance="healthy"'


@dataclass(frozen=True)
class Case:
    """`labels` beside the severity and `summary` are those of the one alert that fires at `fires`."""

    alert: str
    series: Mapping[str, str]
    silent: Sequence[str]
    fires: str
    summary: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def as_test(self) -> dict[str, Any]:
        """Write promtool's test of it; what the rule says without regard to labels is expected as it stands."""
        rule = ALERTS[self.alert]
        labels = {"service": "intake", **rule["labels"], **self.labels}
        fired = {"exp_labels": labels, "exp_annotations": rule["annotations"] | {"summary": self.summary}}
        return {
            "name": self.alert,
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in self.series.items()],
            "alert_rule_test": [
                *({"eval_time": at, "alertname": self.alert, "exp_alerts": []} for at in self.silent),
                {"eval_time": self.fires, "alertname": self.alert, "exp_alerts": [fired]},
            ],
        }


def as_file(cases: Sequence[Case]) -> dict[str, Any]:
    """Write promtool's file of tests."""
    files = [str(path) for path in RULES]
    return {"rule_files": files, "evaluation_interval": "1m", "tests": [case.as_test() for case in cases]}


def requests(service: str, status: int, values: str, route: str = "/v1/dossiers") -> dict[str, str]:
    labels = f'service="{service}", method="POST", route="{route}", status="{status}"'
    return {f"motcua_http_requests_total{{{labels}}}": values}


def calls(channel: str, answer: str, values: str) -> dict[str, str]:
    labels = f'service="notification", channel="{channel}", answer="{answer}"'
    return {f"motcua_notice_calls_total{{{labels}}}": values}


def late(labels: str, within: str, beyond: str) -> dict[str, str]:
    values = {"0.25": within, "0.5": beyond, "+Inf": beyond}
    return {f'motcua_event_loop_lag_seconds_bucket{{{labels}, le="{le}"}}': value for le, value in values.items()}


CASES: tuple[Case, ...] = (
    Case(
        "ServiceDown",
        {f"up{{{OF_INTAKE}}}": "1 0 1 0 0 0", f"up{{{HEALTHY}}}": "1x5", 'up{job="other", instance="a"}': "0x5"},
        silent=("1m", "2m", "3m"),
        fires="4m",
        summary="intake does not answer at a",
        labels={"job": "motcua", "instance": "a"},
    ),
    Case(
        "ServiceNotReady",
        {
            f'motcua_ready{{{OF_INTAKE}, check="database"}}': "1 0x9",
            f'motcua_ready{{{OF_INTAKE}, check="facts"}}': "1x9",
        },
        silent=("0m", "2m"),
        fires="3m",
        summary="intake at a is not ready: database",
        labels={"instance": "a", "check": "database"},
    ),
    Case(
        "ErrorBudgetBurnsFast",
        requests("intake", 201, "0+60x180")
        | requests("intake", 503, "0x60 0+1.2x120")
        | requests("intake", 503, "0+60x180", route="/readyz")
        # As large a share, of a few requests a day.
        | requests("processing", 201, "0+0.1x180")
        | requests("processing", 500, "0+0.002x180"),
        silent=("59m", "65m"),
        fires="125m",
        summary="intake fails 1.961% of its requests",
    ),
    Case(
        "ErrorBudgetBurnsSlowly",
        requests("intake", 201, "0+60x600") | requests("intake", 500, "0+0.12x600"),
        silent=("60m",),
        fires="420m",
        summary="intake has failed 0.1996% of its requests for three days",
    ),
    Case(
        "Saturated",
        {
            f"motcua_database_connections_in_use{{{OF_INTAKE}}}": "12x20",
            f"motcua_database_connections_limit{{{OF_INTAKE}}}": "12x20",
            f"motcua_database_connections_in_use{{{HEALTHY}}}": "10x20",
            f"motcua_database_connections_limit{{{HEALTHY}}}": "12x20",
        },
        silent=("4m",),
        fires="5m",
        summary="intake at a uses 100% of its database connections",
        labels={"job": "motcua", "instance": "a", "resource": "database connections"},
    ),
    Case(
        "Saturated",
        {
            f"process_open_fds{{{OF_INTAKE}}}": "900x1 950x20",
            f"process_max_fds{{{OF_INTAKE}}}": "1000x20",
        },
        silent=("6m",),
        fires="7m",
        summary="intake at a uses 95% of its file descriptors",
        labels={"job": "motcua", "instance": "a", "resource": "file descriptors"},
    ),
    Case(
        "Saturated",
        {
            f"process_cpu_seconds_total{{{OF_INTAKE}}}": "0+57x20",
            f"process_cpu_seconds_total{{{HEALTHY}}}": "0+54x20",
        },
        silent=("9m",),
        fires="10m",
        summary="intake at a uses 95% of its processor",
        labels={"job": "motcua", "instance": "a", "resource": "processor"},
    ),
    Case(
        "Saturated",
        {
            f"process_resident_memory_bytes{{{OF_INTAKE}}}": "180000000x1 190000000x20",
            f"process_resident_memory_bytes{{{HEALTHY}}}": "150000000x20",
        },
        silent=("6m",),
        fires="7m",
        summary="intake at a uses 95% of its memory",
        labels={"job": "motcua", "instance": "a", "resource": "memory"},
    ),
    Case(
        "EventLoopLate",
        late(OF_INTAKE, "0+1x20", "0+30x20") | late(HEALTHY, "0+30x20", "0+30x20"),
        silent=("5m",),
        fires="6m",
        summary="intake at a comes 474.1ms late to its work",
        labels={"instance": "a"},
    ),
    Case(
        "FiguresStale",
        {f"motcua_database_figures_read_timestamp_seconds{{{OF_INTAKE}}}": "0 60 120 120x9"},
        silent=("3m", "4m"),
        fires="5m",
        summary="intake shows figures of 3m 0s ago",
        labels={"instance": "a"},
    ),
    Case(
        "TokenKeysStale",
        {
            f'motcua_token_keys_stale{{{OF_INTAKE}, audience="motcua"}}': "1 0 1x9",
            f'motcua_token_keys_stale{{{HEALTHY}, audience="motcua"}}': "0x9",
        },
        silent=("1m", "2m"),
        fires="3m",
        summary="intake at a cannot use its key set of motcua",
        labels={"instance": "a", "audience": "motcua"},
    ),
    Case(
        "UnsentFactOld",
        {f"motcua_unsent_oldest_seconds{{{OF_INTAKE}}}": "900x4 901x9"},
        silent=("4m", "5m"),
        fires="6m",
        summary="intake has a fact that is unsent for 15m 1s",
    ),
    Case(
        "RelayLags",
        {
            f'motcua_relay_lag_seconds{{{OF_INTAKE}, topic="dossier.lifecycle.v1"}}': "60x4 61x9",
            f'motcua_relay_lag_seconds{{{OF_INTAKE}, topic="dossier.contacts.v1"}}': "60x9",
        },
        silent=("4m", "5m"),
        fires="6m",
        summary="The relay of intake is 1m 1s behind on dossier.lifecycle.v1",
        labels={"topic": "dossier.lifecycle.v1"},
    ),
    Case(
        "RelayLeaseWithoutHolder",
        {f"motcua_relay_shards_without_holder{{{OF_INTAKE}}}": "0 4 0 4x9"},
        silent=("1m", "2m", "3m"),
        fires="4m",
        summary="Nobody relays 4 shards of intake",
    ),
    Case(
        "ConsumerLags",
        {
            f'motcua_consumer_lag_seconds{{{OF_INTAKE}, topic="dossier.lifecycle.v1"}}': "60 61x9",
            f'motcua_consumer_lag_seconds{{{HEALTHY}, topic="dossier.lifecycle.v1"}}': "0x9",
        },
        silent=("0m", "2m"),
        fires="3m",
        summary="intake is 1m 1s behind on dossier.lifecycle.v1",
        labels={"topic": "dossier.lifecycle.v1"},
    ),
    Case(
        "ConsumerPaused",
        {
            f'motcua_consumer_paused{{{OF_INTAKE}, cause="kafka"}}': "0 1 0 1x9",
            f'motcua_consumer_paused{{{OF_INTAKE}, cause="database"}}': "0x9",
        },
        silent=("1m", "2m", "3m"),
        fires="4m",
        summary="The consumer of intake waits: kafka",
        labels={"cause": "kafka"},
    ),
    Case(
        "FactsParked",
        {
            f'motcua_parked_facts{{{OF_INTAKE}, kind="poison"}}': "0 2x9",
            f'motcua_parked_facts{{{OF_INTAKE}, kind="behind"}}': "5x9",
            f'motcua_parked_facts{{{OF_INTAKE}, kind="gap"}}': "5x9",
        },
        silent=("0m", "1m"),
        fires="2m",
        summary="intake has parked facts (poison): 2",
        labels={"kind": "poison"},
    ),
    Case(
        "GapWaits",
        {f"motcua_parked_gap_oldest_seconds{{{OF_INTAKE}}}": "600x2 601x9"},
        silent=("2m", "3m"),
        fires="4m",
        summary="intake has waited 10m 1s for a missing fact",
    ),
    Case(
        "ParkedPastDue",
        {f"motcua_parked_past_promised_due{{{OF_INTAKE}}}": "0 2x9"},
        silent=("0m", "1m"),
        fires="2m",
        summary="intake has parked dossiers past their promised date: 2",
    ),
    Case(
        "TimersLate",
        {f"motcua_timers_due{{{OF_INTAKE}}}": "7 7 0 7x20"},
        silent=("2m", "7m"),
        fires="8m",
        summary="intake has timers that are due and do not fire: 7",
    ),
    Case(
        "FiguresLeaseWithoutHolder",
        {
            f"motcua_domain_figures_exported{{{OF_INTAKE}}}": "1 0x9",
            f"motcua_domain_figures_exported{{{HEALTHY}}}": "0 1 0x9",
        },
        silent=("1m", "2m"),
        fires="3m",
        summary="No process of intake exports the figures of the dossiers",
    ),
    Case(
        "HistoryNotPublished",
        {
            # the tests begin at the epoch: published before it, so that nobody has to wait for 26 hours
            'motcua_history_published_timestamp_seconds{job="motcua", service="metrics", instance="a"}': (
                "-93480x1 -93000x20"
            ),
            'motcua_history_published_timestamp_seconds{job="motcua", service="metrics", instance="b"}': "-93480x22",
        },
        silent=("1m", "4m", "10m", "11m"),
        fires="12m",
        summary="History was last published 1d 2h 2m 0s ago",
        labels={"service": "metrics"},
    ),
    Case(
        "ProviderDown",
        calls("sms", "taken", "0+10x10 100x20")
        | calls("sms", "not_taken", "0x10 4+4x20")
        | calls("email", "taken", "0+1x30")
        | calls("email", "lost", "0+9x30"),
        silent=("14m", "15m"),
        fires="16m",
        summary="The provider of sms has taken none of the last 20 calls",
        labels={"service": "notification", "channel": "sms"},
    ),
    Case(
        "ProviderDown",
        calls("sms", "taken", "5x30") | calls("sms", "lost", "0 1x4 2x9 2x9"),
        silent=("4m", "6m"),
        fires="7m",
        summary="The provider of sms has taken none of the last 2 calls",
        labels={"service": "notification", "channel": "sms"},
    ),
)
