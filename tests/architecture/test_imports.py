"""The import contracts of pyproject.toml hold, and each is seen to fail on a planted violation."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.rules import PACKAGES, ROOT

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

PLANTED = {
    "Services never import each other": ("services/intake/planted.py", "from services.metrics import settings"),
    "Shared code imports no service and no deployment": ("shared/clocks.py", "from services.intake import settings"),
    "Services import no deployment": ("services/intake/planted.py", "from deploy import provision"),
    "Inside a service the arrows point one way": (
        "services/metrics/repository.py",
        "from services.metrics import handlers",
    ),
    "Pure parts touch no clock, file, network, database or framework": (
        "shared/rulebook/limits.py",
        "import asyncio",
    ),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(LINT_IMPORTS), "--config", str(ROOT / "pyproject.toml"), "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_contract_is_planted_below() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    assert {contract["name"] for contract in contracts} == set(PLANTED)


def test_the_contracts_hold() -> None:
    outcome = lint(ROOT)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.mark.parametrize("contract", PLANTED)
def test_the_contract_fails_on_a_planted_import(contract: str, tmp_path: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "static"))
    place, line = PLANTED[contract]
    path = tmp_path / place
    with path.open("a", encoding="utf-8") as source:
        source.write(f"\n{line}\n")
    outcome = lint(tmp_path)
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    assert f"{contract} BROKEN" in outcome.stdout
