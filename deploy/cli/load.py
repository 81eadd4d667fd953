"""`motcua load`: a stack full of dossiers, to be measured and tried with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from deploy.cli.options import DEFAULT_FOLDER, FolderOption
from deploy.cli.outcome import Exit, end, progress
from deploy.cli.readers import acting
from deploy.cli.stores import installation_of, run
from deploy.installation import named_by_environment
from deploy.load.forecast import Forecast
from deploy.load.loading import Loader
from deploy.local.folder import Folder
from deploy.local.stack import legal_now
from deploy.secret_files import KEY_SECRET
from shared.messaging.faults import Unready
from shared.sealing import KeyEncryptionKey


def load(
    dossiers: Annotated[int, typer.Option(min=1, help="How many.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Begin without being asked.")] = False,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Fill the running stack of a folder with made-up dossiers of ten facts each, and print how many.

    Nine of ten are handed over, on the working days before the legal today; the others are under way. Each is whole in
    what the services read: numbers, people sealed under a key of their own, papers, case, steps, duties, timers, both
    journals with their chains, heads, cursors, contacts, the district's counters. Not loaded are Kafka's copies of the
    facts (`motcua republish` makes them, and nobody applies them twice), notices to applicants, stored answers, reads.

    Says first what it takes of disk and time, and asks; what the disk does not hold is refused (exit 1). What is
    loaded stays when it is interrupted. Examples: `motcua load --dossiers 1000`, `motcua load --dossiers 100000 --yes`.
    """
    if named_by_environment() is not None:
        end(Exit.USAGE, "made-up dossiers are for a stack of this machine, not for an installation")
    place = Folder(folder)
    installation_of(place)
    forecast = Forecast.of(dossiers, place.postgres)
    progress.print(str(forecast))
    if not forecast.fits:
        end(Exit.FAILED, "the disk does not hold them")
    if not yes and not typer.confirm("Load them?", err=True):
        end(Exit.FAILED, "nothing was loaded")
    try:
        loaded = run(_load(place, dossiers, legal_now(place)))
    except Unready as unready:
        end(Exit.NOT_READY, str(unready))
    typer.echo(f"{loaded} dossiers loaded")


async def _load(folder: Folder, dossiers: int, now: datetime) -> int:
    loaded = 0
    async with acting(folder, "intake") as intake:
        rules = await intake.rules()
    kek = KeyEncryptionKey.read(folder.secrets / KEY_SECRET)
    loader = Loader(installation_of(folder).dsn(), rules, kek)
    bar = (TextColumn("loading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*bar, console=progress, transient=True) as shown:
        task = shown.add_task("loading", total=dossiers)
        async for portion in loader.load(dossiers, now):
            loaded += portion
            shown.update(task, completed=loaded)
    return loaded
