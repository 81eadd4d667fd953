"""What pages and runbooks tell their readers to type is what the commands take."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from deploy.cli.application import commands

ROOT = Path(__file__).parents[2]
RUNBOOKS = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs" / "runbooks").glob("*.md"))]
DOCS = ("docs/compose.md", "docs/monitoring.md", "docs/operations.md", "docs/rule-changes.md")
PAGES = ("README.md", "README.vi.md", *DOCS, *RUNBOOKS)
SPAN = re.compile(r"`([^`\n]+)`")
MOTCUA = re.compile(r"(?<![\w=/-])(?:(?:\.venv/bin/)?motcua|run .*\boperator|as_me) (?=[a-z])(.*)")
"""The last two are `motcua` in its container."""
STORES = re.compile(r"\b((?:pg_dump|pg_restore|psql) -.*)")
MAKE = re.compile(r"(?<![\w-])make(?: [A-Z]+=\S+| [A-Z]+=\"[^\"]*\")*(?: -[\w-]+)* ([a-z-]+)")


def typed(page: str) -> Iterator[str]:
    """Every line of code, and every span of code in a text."""
    for line in (ROOT / page).read_text("utf-8").splitlines():
        if line.startswith("    "):
            yield line.strip()
        else:
            yield from SPAN.findall(line)


def motcua_lines(page: str) -> list[str]:
    """What is typed behind `motcua`, up to what the shell takes for itself."""
    found = (MOTCUA.search(line) for line in typed(page))
    return [re.split(r"\s#|[|;<>)]|&&", match.group(1))[0].strip() for match in found if match]


def parse(line: str) -> None:
    """Take a command line apart as the program would, and run nothing of it."""
    words = [word for word in shlex.split(line) if word != "--help"]
    command, name, context = get_command(commands), "motcua", None
    while True:
        context = command.make_context(name, words, parent=context)
        if not hasattr(command, "resolve_command"):
            return
        name, command, words = command.resolve_command(context, [*context._protected_args, *context.args])


LINES = [pytest.param(line, id=f"{page}: {line}") for page in PAGES for line in sorted(set(motcua_lines(page)))]


@pytest.mark.parametrize("line", LINES)
def test_a_command_line_of_a_page_is_one(line: str) -> None:
    parse(line)


def stores_are_told(page: str) -> list[str]:
    """What PostgreSQL's programs are told on a page to back up and to restore, wherever the file is."""
    section = (ROOT / page).read_text("utf-8").partition("ack up and restore")[2]
    found = [match.group(1) for match in map(STORES.search, re.findall(r"^    .*", section, re.MULTILINE)) if match]
    return [re.sub(r"( --file=| [<>] | )var/backup/\S+", "", line).strip() for line in found]


def test_containers_are_backed_up_and_restored_as_everything_else_is() -> None:
    embedded, containers = map(stores_are_told, ("docs/operations.md", "docs/compose.md"))
    assert len(containers) == 5
    assert [line for line in embedded if line in containers] == containers


def test_every_target_of_make_that_a_page_names_is_one() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = [(page, target) for page in PAGES for line in typed(page) for target in MAKE.findall(line)]
    assert named
    assert [(page, target) for page, target in named if target not in targets] == []


@pytest.mark.parametrize(
    "wrong", ["stauts", "parked lsit", "parked show intake", "up --replica 2", "token --role king"]
)
def test_a_command_line_that_is_none_is_found(wrong: str) -> None:
    with pytest.raises(Exception, match=r"No such|Missing|is not one of"):
        parse(wrong)
