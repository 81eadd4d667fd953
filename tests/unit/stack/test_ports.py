from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import pytest

from deploy.local.ports import DEFAULT_BASE, OFFSETS, Ports
from deploy.local.services import MOST_REPLICAS, SERVICES, replicas_of, service_of
from deploy.local.stack import Stack
from tests.ports import BLOCK, PLACES, SPARE, spare_port


def test_services_lie_on_the_ports_that_the_design_names() -> None:
    ports = Ports.from_environment(environment={})
    assert (ports.intake, ports.processing, ports.notification, ports.metrics) == (8001, 8002, 8003, 8004)
    assert (ports.intake_2, ports.processing_2, ports.notification_2, ports.metrics_2) == (8011, 8012, 8013, 8014)
    assert Ports.from_base(DEFAULT_BASE) == ports


def test_no_suite_uses_a_port_of_another() -> None:
    blocks = [place.first + BLOCK * number for place in PLACES.values() for number in range(place.stacks)]
    assert all(following - block >= BLOCK for block, following in itertools.pairwise(sorted(blocks)))
    assert max(OFFSETS.values()) < SPARE
    assert spare_port(0, BLOCK - SPARE - 1) == BLOCK - 1
    with pytest.raises(ValueError, match="spare ports"):
        spare_port(0, BLOCK - SPARE)


def test_every_replica_of_a_service_has_its_own_port() -> None:
    parts = [part for service in SERVICES for part in replicas_of(service, MOST_REPLICAS)]
    assert len({Ports.from_base(9000).of(part) for part in parts}) == len(SERVICES) * MOST_REPLICAS
    assert [service_of(part) for part in parts] == [service for service in SERVICES for _ in range(MOST_REPLICAS)]
    assert (service_of("postgres"), service_of("kafka_controller")) == ("postgres", "kafka_controller")


def test_a_stack_of_more_replicas_than_there_are_ports_for_is_refused(tmp_path: Path) -> None:
    for replicas in (0, MOST_REPLICAS + 1):
        with pytest.raises(ValueError, match="1 to 2 replicas"):
            Stack(tmp_path, Ports.from_base(9000), replicas=replicas)


def test_one_number_moves_all_and_a_name_moves_one() -> None:
    named = {"MOTCUA_PORT_BASE": "7000", "MOTCUA_PORT_KAFKA": "9999", "MOTCUA_PORT_INTAKE_2": "9998"}
    moved = Ports.from_environment(9000, named)
    assert moved == dataclasses.replace(Ports.from_base(9000), kafka=9999, intake_2=9998)
    assert Ports.from_environment(environment={"MOTCUA_PORT_BASE": "7000"}) == Ports.from_base(7000)


@pytest.mark.parametrize(
    "environment",
    [
        {"MOTCUA_PORT_BASE": "70000"},
        {"MOTCUA_PORT_MAIL": "80"},
        {"MOTCUA_PORT_MAIL": "8001"},
        {"MOTCUA_PORT_MAIL": "8014"},
    ],
)
def test_what_cannot_be_listened_on_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="ports must"):
        Ports.from_environment(environment=environment)


@pytest.mark.parametrize("name", ["MOTCUA_PORT_BASE", "MOTCUA_PORT_MAIL"])
def test_what_is_no_number_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is 'many', no number"):
        Ports.from_environment(environment={name: "many"})
