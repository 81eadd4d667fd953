"""`motcua verify clocks`: whether every stored clock is what the facts of the journals add up to."""

from __future__ import annotations

import json

import typer

from deploy.cli.options import DEFAULT_FOLDER, FolderOption, JsonOption
from deploy.cli.outcome import Exit, progress
from deploy.cli.readers import acting
from deploy.cli.stores import run
from deploy.clock.verifying import ClockVerifier
from deploy.local.folder import Folder
from services.processing.domain.refolding import Difference


def clocks(folder: FolderOption = DEFAULT_FOLDER, as_json: JsonOption = False) -> None:
    """Reckon every dossier's clock anew from its facts alone and print where what is stored differs.

    Looked at are both due moments, each pause with who, why and on what article, the stays at each step, the state, and
    when it was finished or closed. Each difference is a line, with what is stored and what the facts add up to. Exit 4
    if there is one.

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
