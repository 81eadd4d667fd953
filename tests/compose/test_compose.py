"""The compose file fits the Compose Specification, the settings and the embedded stack; each rule is seen to fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services.metrics.settings import Settings as Metrics
from shared.settings import DatabaseSettings, Piece
from tests.compose import rules
from tests.compose.reading import COMPOSE_FILE, read_compose
from tests.compose.rules import Rule

CHECK_SCHEMA = (
    str(Path(sys.executable).with_name("check-jsonschema")),
    "--builtin-schema",
    "vendor.compose-spec",
)
GONE = object()

PLANTED: dict[Rule, dict[tuple[str, ...], Any]] = {
    rules.variables: {
        ("services", "intake", "environment", "MOTCUA_DATABASE__SERVER"): "postgres",
        ("services", "notification", "environment", "MOTCUA_MAIL__SENDER"): GONE,
        ("services", "provision", "environment", "MOTCUA_SECRETS"): GONE,
        ("services", "sinks", "environment"): {"MOTCUA_PROFILE": "development"},
    },
    rules.ports: {
        ("services", "intake", "ports"): ["8001:8001"],
        ("services", "grafana", "ports"): ["127.0.0.1:3000:3001"],
    },
    rules.addresses: {
        ("services", "intake", "environment", "MOTCUA_HTTP__PORT"): 8080,
        ("services", "metrics", "ports"): ["127.0.0.1:8004:8003"],
        ("services", "metrics", "healthcheck", "test"): ["CMD", "python", "http://127.0.0.1:8004/livez"],
        ("services", "sinks", "command"): ["python", "-m", "deploy.local.sinks", "--sms-port", "25"],
    },
    rules.secrets: {
        ("secrets", "intake.password", "file"): "passwords/intake",
        ("secrets", "spare.password"): {"file": "var/compose/secrets/spare.password"},
        ("services", "metrics", "secrets"): ["metrics.password", "jwks.json", "keyring.key"],
        ("services", "metrics", "environment", "MOTCUA_DATABASE__PASSWORD_FILE"): "/run/secrets/intake.password",
        ("services", "operator", "secrets"): ["postgres.password"],
        ("services", "kafka", "secrets"): GONE,
    },
    rules.logins: {
        ("services", "intake", "environment", "MOTCUA_KAFKA__USER"): "kafka",
        ("services", "intake", "environment", "MOTCUA_DATABASE__USER"): "postgres",
        ("services", "metrics", "environment", "MOTCUA_KAFKA__USER"): GONE,
        ("services", "metrics", "environment", "MOTCUA_KAFKA__PASSWORD_FILE"): "/run/secrets/metrics.password",
    },
    rules.hardened: {
        ("services", "intake", "cap_drop"): GONE,
        ("services", "kafka", "security_opt"): GONE,
        ("services", "intake", "read_only"): False,
        ("services", "intake", "user"): "root",
        ("services", "grafana", "mem_limit"): GONE,
        ("services", "postgres", "cap_add"): ["CHOWN"],
    },
    rules.warned_before_killed: {
        ("services", "intake", "mem_limit"): "128m",
        ("services", "metrics", "mem_limit"): "171m",
    },
    rules.watched: {
        ("services", "sinks", "healthcheck"): GONE,
        ("services", "intake", "healthcheck", "test"): ["CMD-SHELL", "curl http://127.0.0.1:8001/readyz"],
        ("services", "intake", "depends_on", "provision", "condition"): "service_started",
        ("services", "intake", "depends_on", "kafka"): GONE,
        ("services", "operator", "profiles"): GONE,
    },
    rules.time_to_end: {
        ("services", "processing", "stop_grace_period"): "30s",
        ("services", "intake", "stop_grace_period"): GONE,
    },
    rules.hosts: {
        ("services", "intake", "environment", "MOTCUA_DATABASE__HOST"): "database",
        ("services", "intake", "environment", "MOTCUA_KAFKA__BOOTSTRAP_SERVERS"): "kafka:9092,broker:9092",
        ("services", "intake", "networks"): ["default"],
    },
    rules.volumes: {
        ("services", "prometheus", "volumes"): ["./deploy/prometheus:/etc/prometheus", "prometheus:/prometheus"],
        ("services", "intake", "volumes"): ["./var:/var/lib/motcua:ro"],
        ("services", "secrets", "command"): ["motcua", "secrets", "/made"],
        ("volumes", "spare"): None,
    },
    rules.commands: {
        ("services", "intake", "command"): ["python", "-m", "services.reception"],
        ("services", "provision", "command"): ["motcua", "migrate"],
        ("services", "intake", "healthcheck", "test"): ["CMD", "python", "-m", "deploy.wellbeing", "8001"],
        ("services", "operator", "entrypoint"): GONE,
    },
    rules.images: {
        ("services", "kafka", "image"): "apache/kafka:3.9.0",
        ("services", "postgres", "image"): "postgres:17",
        ("services", "grafana", "image"): "grafana/grafana:latest",
    },
    rules.as_embedded: {
        ("services", "kafka", "environment", "KAFKA_AUTO_CREATE_TOPICS_ENABLE"): GONE,
        ("services", "kafka", "environment", "KAFKA_NUM_PARTITIONS"): 3,
        ("services", "kafka", "environment", "KAFKA_SUPER_USERS"): "User:kafka;User:ANONYMOUS",
        ("services", "kafka", "environment", "KAFKA_LISTENER_NAME_CLIENTS_SASL_ENABLED_MECHANISMS"): "PLAIN",
        ("services", "kafka", "command"): ["node.id=2"],
        ("services", "postgres", "command"): "postgres -c max_connections=100",
        ("services", "postgres", "environment", "POSTGRES_INITDB_ARGS"): "--encoding=UTF8",
        ("services", "metrics", "environment", "MOTCUA_BOARD__AGENCY"): "H56.97",
    },
}


def planted(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The compose file with one thing changed."""
    compose = read_compose()
    place = compose
    for key in path[:-1]:
        place = place[key]
    if value is GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return compose


def check_schema(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CHECK_SCHEMA, str(path)], capture_output=True, text=True, check=False)


def test_it_fits_the_compose_specification_and_a_slip_is_found(tmp_path: Path) -> None:
    outcome = check_schema(COMPOSE_FILE)
    assert outcome.returncode == 0, outcome.stdout
    slip = tmp_path / "docker-compose.yml"
    slip.write_text(COMPOSE_FILE.read_text("utf-8").replace("mem_limit:", "memory_limit:", 1), "utf-8")
    outcome = check_schema(slip)
    assert outcome.returncode == 1
    assert "memory_limit" in outcome.stdout


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_file_keeps_the_rule(rule: Rule) -> None:
    assert list(rule(read_compose())) == []


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_rule_fails_on_each_planted_violation(rule: Rule) -> None:
    assert [path for path, value in PLANTED[rule].items() if not list(rule(planted(path, value)))] == []


class Brokers(Piece):
    servers: str
    user: str
    password_file: str
    instance: str


class Renamed(Metrics):
    kafka: Brokers


class Addressed(DatabaseSettings):
    certificate_file: str


class Demanding(Metrics):
    database: Addressed


def test_a_setting_that_was_renamed_or_added_is_missed() -> None:
    compose = read_compose()
    assert list(rules.variables(compose, {**rules.MODELS, "metrics": Renamed})) == [
        "metrics: MOTCUA_KAFKA__BOOTSTRAP_SERVERS is no setting",
        "metrics: MOTCUA_KAFKA__SERVERS is not given",
    ]
    assert list(rules.variables(compose, {**rules.MODELS, "metrics": Demanding})) == [
        "metrics: MOTCUA_DATABASE__CERTIFICATE_FILE is not given"
    ]
