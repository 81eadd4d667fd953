"""What some tests need of Debian: where it is missing, a test says how to get it; in CI it fails."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from deploy.debian_tools import REMEDY, find, find_library


def tool(program: str) -> Path:
    """Find a program, or end the test: failed where CI=true, else skipped with the remedy."""
    return _there(program, find(program))


def library(name: str) -> Path:
    """Find a library to start a process with, or end the test as `tool` does."""
    return _there(name, find_library(name))


def _there(name: str, found: Path | None) -> Path:
    if found is None:
        lacks(f"{name} is not there: {REMEDY}")
    return found


def lacks(what: str) -> NoReturn:
    """End the test: failed where CI=true, else skipped."""
    end = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
    end(what)


def run(program: str, *words: str | Path, given: str | None = None) -> str:
    """Run a program that must succeed; what it printed, in the assertion too."""
    done = subprocess.run([tool(program), *words], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
