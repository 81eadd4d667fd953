"""Where a wheel that brings a program of its own was installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from deploy.faults import DeployError


class WheelMissing(DeployError):
    """A wheel is not installed; the message says how it comes."""


def folder_of(package: str) -> Path:
    """Find the folder of an installed package without importing it. Raises WheelMissing."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        wheel = package.replace("_", "-")
        raise WheelMissing(f"the wheel {wheel} is not installed: run `make` (uv sync --all-extras)")
    return Path(next(iter(found.submodule_search_locations)))
