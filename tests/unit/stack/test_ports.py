from __future__ import annotations

import dataclasses

import pytest

from deploy.local.ports import DEFAULT_BASE, Ports


def test_services_lie_on_the_ports_that_the_design_names() -> None:
    ports = Ports.from_environment(environment={})
    assert (ports.intake, ports.processing, ports.notification, ports.metrics) == (8001, 8002, 8003, 8004)
    assert Ports.from_base(DEFAULT_BASE) == ports


def test_one_number_moves_all_and_a_name_moves_one() -> None:
    moved = Ports.from_environment(9000, {"MOTCUA_PORT_BASE": "7000", "MOTCUA_PORT_KAFKA": "9999"})
    assert moved == dataclasses.replace(Ports.from_base(9000), kafka=9999)
    assert Ports.from_environment(environment={"MOTCUA_PORT_BASE": "7000"}) == Ports.from_base(7000)


@pytest.mark.parametrize(
    "environment",
    [
        {"MOTCUA_PORT_BASE": "many"},
        {"MOTCUA_PORT_BASE": "70000"},
        {"MOTCUA_PORT_MAIL": "80"},
        {"MOTCUA_PORT_MAIL": "8001"},
    ],
)
def test_what_cannot_be_listened_on_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"ports must|invalid literal"):
        Ports.from_environment(environment=environment)
