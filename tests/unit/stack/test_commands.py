from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.application import COMMANDS, commands
from deploy.cli.parked import LISTED, print_rows
from deploy.local.folder import Folder
from deploy.local.state import StateUnreadable, read


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


@pytest.mark.parametrize("words", [["--role", "desk"], ["--role", "leader", "--agency", "H56.9999x"]])
def test_a_token_that_no_service_would_believe_is_not_issued(words: list[str]) -> None:
    answer = CliRunner().invoke(commands, ["token", *words])
    assert (answer.exit_code, answer.stdout) == (2, "")


@pytest.mark.parametrize("damaged", ["", '{"phase": "run', '{"phase": "running"}'])
def test_a_damaged_state_says_what_to_do_and_nothing_is_ended(tmp_path: Path, damaged: str) -> None:
    folder = Folder(tmp_path / "stack")
    folder.prepare()
    folder.state.write_text(damaged)
    with pytest.raises(StateUnreadable, match="remove the file"):
        read(folder)
    assert folder.state.read_text() == damaged
