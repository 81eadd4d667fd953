"""`motcua catalogue plan|apply`: what a change of the catalogue would change, and its publication."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.options import DEFAULT_FOLDER, FolderOption, IntakeOption, JsonOption, TokenOption
from deploy.cli.outcome import progress
from deploy.cli.rule_files import as_published, intake_at, planned, read_file, show_plan
from deploy.cli.stores import reading, run
from deploy.local.folder import Folder
from deploy.local.stack import legal_now
from deploy.rule_changes.catalogue_plan import CataloguePlan, draw, foresee, plan_data, plan_text
from deploy.rule_changes.publishing import publish
from services.processing.repository.reissuing import read_open
from shared.rulebook.rule_files.drawing import Drawn

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The changes: CSV, see docs/rule-changes.md.")]

app = typer.Typer(help="The catalogue of procedures.", no_args_is_help=True)


@app.command()
def plan(file: FileArgument, folder: FolderOption = DEFAULT_FOLDER, as_json: JsonOption = False) -> None:
    """Say which values of which cases would change, from which day, and which open dossiers keep their version.

    Exit code 4 where a line of the file is wrong. Example: `motcua catalogue plan changes.csv`.
    """
    _, found = planned(file, folder, _plan)
    show_plan(found, plan_data, plan_text, as_json=as_json)


@app.command()
def apply(
    file: FileArgument,
    token: TokenOption,
    intake: IntakeOption = "",
    folder: FolderOption = DEFAULT_FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Plan a change and publish it as the next catalogue; a leader of the province signs it off with his token.

    Example: `MOTCUA_TOKEN=… motcua catalogue apply changes.csv`.
    """
    drawn, found = planned(file, folder, _plan)
    show_plan(found, plan_data, plan_text, as_json=as_json)
    run(publish(intake_at(folder, intake), token, drawn, read_file(file)))
    progress.print(f"{drawn.version} is published, in force from {found.catalogue.effective_from}", markup=False)


async def _plan(text: str, folder: Folder) -> tuple[Drawn, CataloguePlan]:
    now, published = legal_now(folder), await as_published(folder)
    drawn = draw(text, published, now)
    async with reading(folder, "processing", "processing") as tx:
        return drawn, foresee(drawn, [each.case for each in await read_open(tx)], published, now)
