"""The `motcua` commands that a page tells its reader to type, held against the command tree."""

from __future__ import annotations

import re
from collections.abc import Iterator

from typer.main import get_command

from deploy.cli.application import commands

_TYPED = re.compile(r"^    (motcua [^#\n]+)|`(motcua [^`]+)`", re.MULTILINE)


def commands_in(text: str) -> list[str]:
    """Every command of a page: a line of a code block, or in backquotes."""
    return [(block or inline).strip() for block, inline in _TYPED.findall(text)]


def faults_of(typed: str) -> Iterator[str]:
    """Say what of a command does not exist: a word of its name, or an option."""
    found = get_command(commands)
    context = found.make_context("motcua", [], resilient_parsing=True)
    words = typed.split()[1:]
    while hasattr(found, "get_command"):
        found = found.get_command(context, words.pop(0) if words else "")
        if found is None:
            yield f"{typed}: no such command"
            return
    known = {
        option for parameter in found.get_params(context) for option in (*parameter.opts, *parameter.secondary_opts)
    }
    for word in words:
        if word.startswith("-") and word.partition("=")[0] not in known:
            yield f"{typed}: no such option {word}"
