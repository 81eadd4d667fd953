"""How commands end and where they speak."""

from __future__ import annotations

from enum import IntEnum
from typing import NoReturn

import typer
from rich.console import Console

progress = Console(stderr=True, highlight=False, soft_wrap=True)
"""Progress and complaints; data alone go to stdout."""


class Exit(IntEnum):
    """The documented exit codes."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_READY = 3
    PROBLEMS_FOUND = 4
    INTERRUPTED = 130


def end(code: Exit, reason: str) -> NoReturn:
    """Say on stderr why, and end with this code."""
    progress.print(reason, markup=False)
    raise typer.Exit(int(code))
