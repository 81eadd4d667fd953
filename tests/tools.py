"""Programs of Debian that some tests run: where they are missing, a test says how to get them; in CI it fails."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from deploy.debian_tools import REMEDY, find


def tool(program: str) -> Path:
    """Find a program, or end the test: failed where CI=true, else skipped with the remedy."""
    found = find(program)
    if found is None:
        end = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        end(f"{program} is not there: {REMEDY}")
    return found


def run(program: str, *words: str | Path, given: str | None = None) -> str:
    """Run a program that must succeed; what it printed, in the assertion too."""
    done = subprocess.run([tool(program), *words], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
