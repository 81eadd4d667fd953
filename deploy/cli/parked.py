"""`motcua parked list|show`: facts that wait for an operator, or for the fact before them."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.options import DEFAULT_FOLDER, FolderOption, JsonOption
from deploy.cli.outcome import Exit, end
from deploy.cli.stores import chosen_services, reading, run
from deploy.local.folder import Folder
from shared.messaging.parking import Kind, ParkedFact, list_parked, show_parked

app = typer.Typer(help="Facts that are parked: what, why, since when.", no_args_is_help=True)

PAGE = 500


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
        _print(rows)


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


def _plain(fact: ParkedFact) -> dict[str, Any]:
    left_out = {"headers", "value"}
    fields = {field.name: getattr(fact, field.name) for field in dataclasses.fields(fact) if field.name not in left_out}
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in fields.items()}


def _print(rows: list[dict[str, Any]]) -> None:
    table = Table("service", "id", "kind", "subject", "seq", "type", "attempts", "parked at", "promised due", "reason")
    keys = ("service", "id", "kind", "subject", "seq", "type", "attempts", "parked_at", "promised_due", "reason")
    for row in rows:
        table.add_row(*("" if row[key] is None else str(row[key]) for key in keys))
    Console(highlight=False).print(table if rows else "nothing is parked")
