"""`deploy/install.sh` says what is missing and what to do about it, before it makes anything."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "deploy" / "install.sh"
OLD = "sys.version_info = (3, 10, 12)"
WITHOUT_VENV = "sys.modules['venv'] = None"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with nothing but the script: what it would make by mistake stays in there."""
    (tmp_path / "deploy").mkdir()
    shutil.copy(SCRIPT, tmp_path / "deploy")
    return tmp_path


def crippled(folder: Path, flaw: str) -> Path:
    """A Python that lacks what we need: it tells `-V` as 3.10.12, and runs `-c` with the flaw."""
    stub = folder / "python"
    run = f"import sys; {flaw}; exec(sys.argv.pop(1))"
    stub.write_text(f'#!/bin/sh\n[ "$1" = -V ] && echo Python 3.10.12 && exit\nexec {sys.executable} -c "{run}" "$2"\n')
    stub.chmod(0o755)
    return stub


async def install(checkout: Path, python: Path) -> tuple[int | None, list[str]]:
    process = await asyncio.create_subprocess_exec(
        *("sh", str(checkout / "deploy" / "install.sh")),
        env=os.environ | {"PYTHON": str(python)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    return process.returncode, errors.decode().splitlines()


async def test_a_python_that_is_not_there(checkout: Path) -> None:
    code, (said,) = await install(checkout, Path("/nonexistent"))
    assert code == 1
    assert said == (
        "error: '/nonexistent' is not there; install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3"
    )


@pytest.mark.parametrize(
    ("flaw", "remedy"),
    [
        (OLD, "is Python 3.10.12; Python 3.11 or newer is needed: make PYTHON=/path/to/python3"),
        (WITHOUT_VENV, "cannot make virtual environments; on Debian: apt-get install python3-venv"),
    ],
)
async def test_a_python_that_lacks_what_is_needed(checkout: Path, flaw: str, remedy: str) -> None:
    python = crippled(checkout, flaw)
    code, (said,) = await install(checkout, python)
    assert code == 1
    assert said == f"error: '{python}' {remedy}"
    assert {path.name for path in checkout.iterdir()} == {"deploy", "python"}


def telling(path: Path, answer: str) -> Path:
    """A `python3` that does no work and tells this of it, or fails where it has nothing to tell."""
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n[ -n '{answer}' ] && echo {answer}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("other", "taken"),
    [
        ("0.0000010 3 11", "other"),
        ("0.0000095 3 11", "callers"),  # not clearly faster
        ("0.0000010 3 12", "callers"),  # of another version
        ("", "callers"),  # cannot make virtual environments
    ],
)
async def test_the_fastest_python_of_the_callers_version_is_taken(tmp_path: Path, other: str, taken: str) -> None:
    pythons = {
        "callers": telling(tmp_path / "callers" / "python3", "0.0000100 3 11"),
        "other": telling(tmp_path / "other" / "python3", other),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(SCRIPT.with_name("fastest_python.py"))),
        env=os.environ | {"PATH": os.pathsep.join(str(python.parent) for python in pythons.values())},
        stdout=asyncio.subprocess.PIPE,
    )
    answer, _ = await process.communicate()
    assert answer.decode() == str(pythons[taken])
