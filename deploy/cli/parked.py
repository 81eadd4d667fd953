"""`motcua parked list|show|replay|drop`: facts that wait for an operator, or for the fact before them."""

from __future__ import annotations

import dataclasses
import getpass
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import asyncpg
import typer

from deploy.cli.options import DEFAULT_FOLDER, FolderOption, JsonOption
from deploy.cli.outcome import Exit, end, progress
from deploy.cli.readers import Place, acting
from deploy.cli.stores import chosen_services, reading, run
from deploy.local.folder import Folder
from shared.clocks import OFFICE_ZONE, machine_now
from shared.database import transaction
from shared.messaging.faults import Fenced
from shared.messaging.parking import Kind, ParkedFact, list_parked, show_parked
from shared.messaging.replay import Outcome, Replayed, drop_undecodable, relay_again, replay
from shared.rulebook.limits import as_appointed

app = typer.Typer(help="Facts that are parked: what, why, since when, and what is done about it.", no_args_is_help=True)

PAGE = 500
LISTED = (
    ("service", "id", "kind", "subject"),
    ("topic", "type", "seq", "attempts", "parked_at", "promised_due", "reason"),
)
REPLAYED = ("service", "id", "outcome"), ("topic", "source", "seq", "type", "changed", "reason")
"""What is printed of a row: on its first line, and below."""


@app.command("list")
def list_all(
    folder: FolderOption = DEFAULT_FOLDER,
    service: Annotated[str | None, typer.Option(help="Only this service's parking table.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="Only facts parked for this reason.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only this dossier code or rule set.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List parked facts of all services, oldest first.

    Examples: `motcua parked list`; `motcua parked list --kind poison --json`;
    `motcua parked list --subject H56.97.21-200102-0001`.
    """
    place = Folder(folder)
    found = {name: run(_list(place, name, kind, subject)) for name in chosen_services(service)}
    rows = [{"service": name} | _plain(fact) for name, facts in found.items() for fact in facts]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        print_rows(rows, *LISTED)


async def _list(folder: Folder, service: str, kind: Kind | None, subject: str | None) -> list[ParkedFact]:
    facts: list[ParkedFact] = []
    async with reading(folder, service) as tx:
        while page := await list_parked(tx, after=facts[-1].id if facts else 0, kind=kind, subject=subject, limit=PAGE):
            facts += page
    return facts


@app.command()
def show(
    service: Annotated[str, typer.Argument(help="The service whose parking table holds the fact.")],
    parked_id: Annotated[int, typer.Argument(metavar="ID", help="The id that `list` prints.")],
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Show one parked fact with its headers and body, as JSON.

    Example: `motcua parked show processing 17`.
    """
    (name,) = chosen_services(service)
    fact = run(_show(Folder(folder), name, parked_id))
    if fact is None:
        end(Exit.FAILED, f"{name} has no parked fact {parked_id}")
    body = {"value": None if fact.value is None else fact.value.decode("utf-8", "backslashreplace")}
    shown = {"service": name} | _plain(fact) | {"headers": dict(fact.headers)} | body
    typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))


async def _show(folder: Folder, service: str, parked_id: int) -> ParkedFact | None:
    async with reading(folder, service) as tx:
        return await show_parked(tx, parked_id)


@app.command("replay")
def try_again(
    which: Annotated[str, typer.Argument(help="A dossier's code, or with --service the id that `list` prints.")],
    folder: FolderOption = DEFAULT_FOLDER,
    service: Annotated[str | None, typer.Option(help="Only what this service parked.")] = None,
    apply: Annotated[bool, typer.Option("--apply/--dry-run", help="Do it, or only say what would happen.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Try all parked facts of a dossier again, in order, as the service itself would; a dry run unless told --apply.

    The services may run. What a service parked of one topic is whole, in a transaction of its own: where one fact still
    fails nothing is changed of it, and the exit code is 4; other topics and services are done. What no broker took goes
    to the relay again, unless a fact of that service still fails. Where a service is at work on the dossier, or cannot
    be reached, the command stops there and says what is done.

    Examples: `motcua parked replay H56.97.21-200102-0001`; `motcua parked replay --service processing 17 --apply`.
    """
    if which.isdecimal() and service is None:
        end(Exit.USAGE, "an id belongs to one service's table: name it with --service")
    place = Folder(folder)
    rows: list[dict[str, Any]] = []
    try:
        for name in chosen_services(service):
            run(_try_again(place, name, which, rows, apply=apply))
    finally:
        if rows:
            _tell(rows, as_json=as_json)
    if not rows:
        end(Exit.FAILED, f"nothing is parked of {which}")
    if not apply:
        progress.print("a dry run, nothing is changed; --apply does it")
    if any(row["outcome"] == Outcome.FAILS for row in rows):
        end(Exit.PROBLEMS_FOUND, "a fact still fails: nothing of its topic is changed in its service")


def _tell(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        print_rows(rows, *REPLAYED)


async def _try_again(folder: Folder, service: str, which: str, rows: list[dict[str, Any]], *, apply: bool) -> None:
    """Add to the rows what became of the facts of one service, each topic as soon as it is done."""
    async with acting(folder, service) as place:
        if (subject := await _subject(place, which)) is None:
            return
        try:
            async for found, changed in _replay(place, subject, apply=apply):
                rows += [{"service": service} | vars(one) | {"changed": changed} for one in found]
        except (Fenced, asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            end(
                Exit.FAILED,
                f"{service} is at work on {which}: only what is listed as changed was changed; run it again",
            )


async def _subject(place: Place, which: str) -> str | None:
    """Whose facts are meant; None where nothing is parked of it."""
    async with transaction(place.pool) as tx:
        if not which.isdecimal():
            return which if await list_parked(tx, subject=which, limit=1) else None
        fact = await show_parked(tx, int(which))
    if fact is None:
        return None
    if fact.subject is None:
        end(Exit.FAILED, "bytes that are no fact cannot be replayed; `motcua parked drop` takes them out")
    return fact.subject


async def _replay(place: Place, subject: str, *, apply: bool) -> AsyncIterator[tuple[Sequence[Replayed], bool]]:
    """Yield what became of the facts of each topic, then of those that no broker took, and whether that is changed."""
    all_pass = True
    for subscription in await place.subscriptions():
        found = await replay(place.pool, subscription, subject, apply=apply)
        passes = all(one.outcome is not Outcome.FAILS for one in found)
        all_pass = all_pass and passes
        yield found, apply and passes
    async with transaction(place.pool) as tx:
        found = await relay_again(tx, subject, apply=apply and all_pass)
    yield found if all_pass else [dataclasses.replace(one, outcome=Outcome.BEHIND) for one in found], apply and all_pass


@app.command()
def drop(
    service: Annotated[str, typer.Argument(help="The service whose parking table holds the bytes.")],
    parked_id: Annotated[int, typer.Argument(metavar="ID", help="The id that `list` prints.")],
    why: Annotated[str, typer.Option("--reason", help="Why nobody will miss them; kept beside them.")],
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Give up bytes that are no fact; they are kept in the table `dropped`, with the reason and who gave it.

    A fact cannot be dropped: a hole in a dossier's sequence would stop it for good.
    Example: `motcua parked drop metrics 17 --reason "a test record of 2 March"`.
    """
    (name,) = chosen_services(service)
    if not why.strip():
        end(Exit.USAGE, "a reason has words")
    if not run(_drop(Folder(folder), name, parked_id, why)):
        end(Exit.FAILED, f"{name} has no undecodable record {parked_id}")
    progress.print(f"dropped record {parked_id} of {name}")


async def _drop(folder: Folder, service: str, parked_id: int, why: str) -> bool:
    async with acting(folder, service) as place, transaction(place.pool) as tx:
        return await drop_undecodable(tx, parked_id, machine_now(), by=getpass.getuser(), why=why)


def _plain(fact: ParkedFact) -> dict[str, Any]:
    left_out = {"headers", "value"}
    fields = {field.name: getattr(fact, field.name) for field in dataclasses.fields(fact) if field.name not in left_out}
    return {name: _in_office(value) if isinstance(value, datetime) else value for name, value in fields.items()}


def _in_office(moment: datetime) -> str | None:
    """Write a moment as clocks in Vietnam show it; None where no day is appointed."""
    told = as_appointed(moment)
    return None if told is None else told.astimezone(OFFICE_ZONE).isoformat()


def print_rows(rows: Sequence[Mapping[str, Any]], first: Sequence[str], more: Sequence[str]) -> None:
    """Print each row on lines of its own: cut to the width of a terminal, a code or a reason would say nothing."""
    for row in rows:
        typer.echo("  ".join(str(row[name]) for name in first if row[name] is not None))
        told = [f"{name.replace('_', ' ')} {row[name]}" for name in more if row[name] is not None]
        typer.echo("    " + "; ".join(told))
    if not rows:
        typer.echo("nothing is parked")
