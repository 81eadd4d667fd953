"""`motcua verify heads|chain|clocks`: what an auditor writes down, whether history fits it, and clocks the history."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from deploy.cli.options import DEFAULT_FOLDER, FolderOption, JsonOption
from deploy.cli.outcome import Exit, progress
from deploy.cli.readers import acting
from deploy.cli.stores import chosen_services, reading, run
from deploy.clock.verifying import ClockVerifier
from deploy.local.folder import Folder
from services.processing.domain.refolding import Difference
from shared.messaging.chain import Breach
from shared.messaging.journal import JournalHeads, verify_chain
from shared.messaging.journal import heads as journal_heads

app = typer.Typer(help="History, and what follows from it.", no_args_is_help=True)
ServiceOption = Annotated[str | None, typer.Option(help="Only this service's journal.")]


@app.command()
def heads(folder: FolderOption = DEFAULT_FOLDER, service: ServiceOption = None, as_json: JsonOption = False) -> None:
    """Print each journal's number of chains and facts and the root over its heads; with --json every head.

    Examples: `motcua verify heads`; `motcua verify heads --json > heads-2020-11-30.json`.
    """
    found = {name: run(_heads(Folder(folder), name)) for name in chosen_services(service)}
    if as_json:
        typer.echo(json.dumps({name: _plain(of) for name, of in found.items()}, indent=2))
        return
    for name, of in found.items():
        typer.echo(f"{name:14}{len(of.heads):8} chains {sum(head[2] for head in of.heads):9} facts  {of.root}")


def _plain(found: JournalHeads) -> dict[str, Any]:
    names = ("topic", "subject", "seq", "hash")
    return {"root": found.root, "heads": [dict(zip(names, head, strict=True)) for head in found.heads]}


async def _heads(folder: Folder, service: str) -> JournalHeads:
    async with reading(folder, service) as tx:
        return await journal_heads(tx)


@app.command()
def chain(
    folder: FolderOption = DEFAULT_FOLDER,
    service: ServiceOption = None,
    subject: Annotated[str | None, typer.Option(help="Only this dossier code or rule set.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Compute every hash again and print each place where a chain does not hold. Exit 4 if there is one.

    Examples: `motcua verify chain`; `motcua verify chain --subject H56.97.21-200102-0001`.
    """
    found = {name: run(_breaches(Folder(folder), name, subject)) for name in chosen_services(service)}
    rows = [{"service": name} | vars(breach) for name, breaches in found.items() for breach in breaches]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        for row in rows:
            typer.echo(f"{row['service']}: {row['topic']} {row['subject']} fact {row['seq']}: {row['what']}")
    if rows:
        raise typer.Exit(Exit.PROBLEMS_FOUND)
    progress.print("every chain holds")


async def _breaches(folder: Folder, service: str, subject: str | None) -> list[Breach]:
    async with reading(folder, service) as tx:
        return [breach async for breach in verify_chain(tx, subject)]


@app.command()
def clocks(folder: FolderOption = DEFAULT_FOLDER, as_json: JsonOption = False) -> None:
    """Reckon every dossier's clock anew from its facts alone and print where what is stored differs.

    Looked at are both due moments, each pause with who, why and on what article, the state, and when it was finished or
    closed. Each difference is a line, with what is stored and what the facts add up to. Exit 4 if there is one.

    Examples: `motcua verify clocks`; `motcua verify clocks --json`.
    """
    looked, differing = run(_clocks(Folder(folder), as_json=as_json))
    if differing:
        progress.print(f"{differing} of {looked} dossiers are stored otherwise than their facts say")
        raise typer.Exit(Exit.PROBLEMS_FOUND)
    progress.print(f"every clock of {looked} dossiers is what its facts add up to")


async def _clocks(folder: Folder, *, as_json: bool) -> tuple[int, int]:
    looked, differing = 0, 0
    async with acting(folder, "processing") as processing, acting(folder, "intake") as intake:
        verifier = ClockVerifier(processing.pool, intake.pool, await processing.rules())
        total = await verifier.count()
        with progress.status("") as status:
            async for portion, found in verifier.portions():
                looked += portion
                status.update(f"{looked} of {total} dossiers")
                differing += len({each.code for each in found})
                _tell(found, as_json=as_json)
    return looked, differing


def _tell(found: list[Difference], *, as_json: bool) -> None:
    """Print differences as they are found: as lines of JSON, or to be read."""
    for each in found:
        if as_json:
            typer.echo(json.dumps(each._asdict(), ensure_ascii=False))
        else:
            typer.echo(f"{each.code}: {each.what}: stored {each.stored}, by its facts {each.reckoned}")
