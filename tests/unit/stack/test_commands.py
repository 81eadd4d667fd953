from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from deploy.cli.application import COMMANDS, commands
from deploy.cli.parked import LISTED, print_rows


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_is_there(name: str) -> None:
    answer = CliRunner().invoke(commands, [name, "--help"])
    assert answer.exit_code == 0, answer.output
    assert f"Usage: motcua {name} " in answer.output


def test_a_command_that_nobody_knows_is_exit_two() -> None:
    assert CliRunner().invoke(commands, ["nosuch"]).exit_code == 2


def test_a_parked_fact_is_printed_whole_however_narrow_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    row = dict.fromkeys((*LISTED[0], *LISTED[1])) | {"service": "processing", "id": 17, "kind": "poison"}
    row |= {"subject": "H56.97.21-200102-0001", "reason": "KeyError: a reason of more than forty letters"}
    print_rows([row], *LISTED)
    assert capsys.readouterr().out.splitlines() == [
        "processing  17  poison  H56.97.21-200102-0001",
        "    reason KeyError: a reason of more than forty letters",
    ]


def test_status_waits_for_no_framework() -> None:
    asked = "import sys; sys.argv = ['motcua', 'status', '--help']; from deploy.cli import app; app()"
    shown = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", asked], check=True, capture_output=True, text=True
    )
    assert "deploy.local.status" in shown.stderr
    assert "fastapi" not in shown.stderr
    assert "services." not in shown.stderr.replace("deploy.local.services", "")
