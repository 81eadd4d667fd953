"""`motcua verify heads|chain|publish|history`: what others write down, and whether history still fits it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import asyncpg
import typer

from deploy.cli import publications
from deploy.cli.options import DEFAULT_FOLDER, FolderOption, JsonOption
from deploy.cli.outcome import Exit, end, progress
from deploy.cli.stores import chosen_services, installation_of, reading, run
from deploy.local.folder import Folder, write_private
from shared.clocks import machine_now
from shared.messaging.chain import Breach
from shared.messaging.journal import NOTHING_PUBLISHED, JournalHeads, Published, verify_chain
from shared.messaging.journal import heads as journal_heads
from shared.messaging.publications import JOURNALS, PublishedRoot, add_roots

app = typer.Typer(help="The journals' hash chains.", no_args_is_help=True)
ServiceOption = Annotated[str | None, typer.Option(help="Only this service's journal.")]
BOARD = "metrics"
"""The service that shows roots to the public."""


@app.command()
def heads(folder: FolderOption = DEFAULT_FOLDER, service: ServiceOption = None, as_json: JsonOption = False) -> None:
    """Print each journal's number of chains and facts and the root over its heads; with --json every head.

    Examples: `motcua verify heads`; `motcua verify heads --json > heads-2020-11-30.json`.
    """
    found = {name: run(_heads(Folder(folder), name)) for name in chosen_services(service)}
    if as_json:
        typer.echo(publications.as_file(found))
        return
    for name, of in found.items():
        typer.echo(publications.line_of(name, of))


async def _heads(folder: Folder, service: str) -> JournalHeads:
    async with reading(folder, service) as tx:
        return await journal_heads(tx)


@app.command()
def publish(
    to: Annotated[Path, typer.Option(help="The folder for the file with every head.", file_okay=False)],
    *,
    mail_to: Annotated[str, typer.Option(help="The other body that keeps the roots.")] = "",
    mail_from: Annotated[str, typer.Option(help="Who writes to it.")] = "",
    mail_server: Annotated[str, typer.Option(help="HOST:PORT of the mail server.")] = "localhost:25",
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Publish what history must still hold: every head as a file, the roots on the board and by mail to another body.

    Once a day. Prints the file's name. Example:
    `motcua verify publish --to heads --mail-to luu-tru@vi-du.example --mail-from mot-cua@vi-du.example`.
    """
    if bool(mail_to) != bool(mail_from):
        end(Exit.USAGE, "--mail-to and --mail-from go together")
    found, at = {name: run(_heads(Folder(folder), name)) for name in JOURNALS}, machine_now()
    to.mkdir(parents=True, exist_ok=True)
    file = to / f"heads-{at:%Y%m%dT%H%M%S.%fZ}.json"
    write_private(file, publications.as_file(found).encode())
    typer.echo(file)
    run(_show(Folder(folder), publications.roots_of(found, at)))
    if mail_to:
        mail = publications.letter(found, at, file.name, sender=mail_from, to=mail_to)
        try:
            publications.send(mail, mail_server)
        except (OSError, ValueError) as error:
            end(Exit.FAILED, f"the file and the board have them, but no mail went out by {mail_server}: {error}")


async def _show(folder: Folder, roots: list[PublishedRoot]) -> None:
    place = installation_of(folder).dsn(BOARD)
    connection = await asyncpg.connect(place, server_settings={"search_path": BOARD}, timeout=5)
    try:
        await add_roots(connection, roots)
    finally:
        await connection.close()


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
    place = Folder(folder)
    _tell(((name, run(_breaches(place, name, subject=subject))) for name in chosen_services(service)), as_json=as_json)
    progress.print("every chain holds")


@app.command()
def history(
    heads_file: Annotated[Path, typer.Option("--heads", help="A file that was published; better another body's copy.")],
    folder: FolderOption = DEFAULT_FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Compute every hash again and hold history against heads that were published before. Exit 4 if it does not fit.

    Found is whatever was edited, rewritten as a whole, cut off or dropped since. Compare the roots that it names with
    the board's and the mail's of that day: they prove the file. Example: `motcua verify history --heads FILE`.
    """
    before = publications.read_file(heads_file)
    place = Folder(folder)
    for service in before:
        chosen_services(service)
    _tell(
        ((name, run(_breaches(place, name, published=publications.published(of)))) for name, of in before.items()),
        as_json=as_json,
    )
    for name, of in before.items():
        progress.print(publications.line_of(name, of), markup=False)
    progress.print("every chain holds, and all of these heads are in them")


def _tell(found: Iterable[tuple[str, list[Breach]]], *, as_json: bool) -> None:
    rows = [{"service": name} | vars(breach) for name, breaches in found for breach in breaches]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        for row in rows:
            typer.echo(f"{row['service']}: {row['topic']} {row['subject']} fact {row['seq']}: {row['what']}")
    if rows:
        raise typer.Exit(Exit.PROBLEMS_FOUND)


async def _breaches(
    folder: Folder, service: str, *, subject: str | None = None, published: Published = NOTHING_PUBLISHED
) -> list[Breach]:
    async with reading(folder, service) as tx:
        return [breach async for breach in verify_chain(tx, subject, published=published)]
