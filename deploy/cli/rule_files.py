"""What the commands share that change the rules by a file: planning it, showing the plan, reaching intake."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import typer

from deploy.cli.outcome import Exit, end, progress
from deploy.cli.stores import reading, run, stack_of
from deploy.local.folder import Folder
from deploy.local.ports import Ports
from deploy.rule_changes.in_force import Published, read_published
from shared.http.wire import Wire
from shared.rulebook.rule_files.faults import RuleFileFaulty

Planned = TypeVar("Planned")


def read_file(file: Path) -> str:
    """Read a file as UTF-8; what cannot be read is exit 2."""
    try:
        return file.read_text("utf-8")
    except OSError as error:
        end(Exit.USAGE, f"{file}: {error.strerror}")
    except UnicodeDecodeError as error:
        said = "không phải UTF-8, hãy lưu lại dưới dạng CSV UTF-8 / is not UTF-8, save it as CSV UTF-8"
        end(Exit.USAGE, f"{file}: {said} ({error.reason})")


def planned(file: Path, folder: Path, plan: Callable[[str, Folder], Coroutine[Any, Any, Planned]]) -> Planned:
    """Plan what a file says; where lines of it are wrong, exit 4."""
    text = read_file(file)
    try:
        return run(plan(text, Folder(folder)))
    except RuleFileFaulty as faulty:
        _end_with_faults(file, faulty)


def _end_with_faults(file: Path, faulty: RuleFileFaulty) -> NoReturn:
    """Say every fault with its line, reason and remedy, Vietnamese first; exit 4."""
    for fault in faulty.faults:
        reason, remedy = fault.reason, fault.remedy
        progress.print(f"{file}:{fault.line}: {reason.vi}; cách sửa: {remedy.vi}", markup=False)
        progress.print(f"{file}:{fault.line}: {reason.en}; remedy: {remedy.en}", markup=False)
    raise typer.Exit(Exit.PROBLEMS_FOUND)


async def as_published(folder: Folder) -> Published:
    """Read the rules that intake published; where there are none, exit 3."""
    async with reading(folder, "intake") as tx:
        try:
            return await read_published(tx)
        except LookupError:
            end(Exit.NOT_READY, "no rules are published yet; see `motcua provision`")


def intake_at(folder: Path, named: str) -> Wire:
    """Find intake: where it is said to be, else in the stack of a folder."""
    if not named:
        return Wire("127.0.0.1", Ports(**stack_of(Folder(folder), "intake").ports).of("intake"))
    host, _, port = named.rpartition(":")
    if not host or not port.isdigit():
        end(Exit.USAGE, "--intake: a host and a port, such as intake:8001")
    return Wire(host, int(port))


def show_plan(
    found: Planned, data: Callable[[Planned], Any], text: Callable[[Planned], Iterable[str]], *, as_json: bool
) -> None:
    """Print a plan as data or as text."""
    if as_json:
        typer.echo(json.dumps(data(found), ensure_ascii=False, indent=2))
        return
    for line in text(found):
        typer.echo(line)
