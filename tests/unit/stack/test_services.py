"""What the caller's environment may change of the embedded stack's services, and what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.folder import Folder
from deploy.local.ports import Ports
from deploy.local.services import Setting, environment


def test_the_caller_changes_only_what_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTCUA_LOG__LEVEL", "debug")
    monkeypatch.setenv("MOTCUA_DATABASE__HOST", "elsewhere.example")
    monkeypatch.setenv("MOTCUA_CLOCK__SCENARIO_FILE", "/elsewhere")
    found = environment(Setting(Folder(tmp_path), Ports.from_base(9000)), "intake")
    assert found["MOTCUA_LOG__LEVEL"] == "debug"
    assert found["MOTCUA_DATABASE__HOST"] == "127.0.0.1"
    assert "MOTCUA_CLOCK__SCENARIO_FILE" not in found


def test_the_board_shows_what_is_in_force_by_its_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    today, then = (
        Setting(Folder(tmp_path), Ports.from_base(9000)),
        Setting(Folder(tmp_path), Ports.from_base(9000), tmp_path / "clock"),
    )
    assert environment(today, "metrics")["MOTCUA_BOARD__AGENCY"] == "H56.90"
    assert "MOTCUA_BOARD__AGENCY" not in environment(then, "metrics")
    monkeypatch.setenv("MOTCUA_BOARD__AGENCY", "H56.61")
    assert environment(today, "metrics")["MOTCUA_BOARD__AGENCY"] == "H56.61"
