"""`motcua calendar plan|apply`: what a dispatch would do to the open dossiers, and its publication."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.options import DEFAULT_FOLDER, FolderOption, IntakeOption, JsonOption, TokenOption
from deploy.cli.outcome import Exit, end, progress
from deploy.cli.rule_files import as_published, intake_at, planned, read_file, show_plan
from deploy.cli.stores import reading, run
from deploy.local.folder import Folder
from deploy.local.stack import legal_now
from deploy.rule_changes.calendar_plan import Plan, draw, foresee, plan_data, with_told
from deploy.rule_changes.calendar_text import plan_text
from deploy.rule_changes.publishing import publish
from services.processing.domain.reissuing import Fate
from services.processing.repository.reissuing import count_behind, read_open, reckoned_by
from shared.rulebook.rule_files.drawing import Drawn

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The dispatch: CSV, see docs/rule-changes.md.")]
FOLLOWED_SECONDS = 120
LOOKS_AGAIN_SECONDS = 0.2


def plan(file: FileArgument, folder: FolderOption = DEFAULT_FOLDER, as_json: JsonOption = False) -> None:
    """Say which open dossiers a dispatch would move, from when to when, and whose citizens were told; change nothing.

    So it does of the applicants' own limits, to bring papers or to pay, which only ever become later.

    Exit code 4 where a line of the file is wrong or the calendar's years do not reach. Example: `motcua calendar plan
    dispatch.csv --json`.
    """
    _, found = planned(file, folder, _plan)
    show_plan(found, plan_data, plan_text, as_json=as_json)
    if found.of(Fate.UNRECKONED):
        raise typer.Exit(Exit.PROBLEMS_FOUND)


def apply(
    file: FileArgument,
    token: TokenOption,
    intake: IntakeOption = "",
    folder: FolderOption = DEFAULT_FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Plan a dispatch, publish it as the next calendar, and wait until every open dossier follows it.

    A leader of the province signs it off with his token. Dates that cannot be kept are issued anew, each with a notice;
    so are the applicants' own limits.
    Example: `MOTCUA_TOKEN=… motcua calendar apply dispatch.csv`.
    """
    drawn, found = planned(file, folder, _plan)
    if found.of(Fate.UNRECKONED):
        end(Exit.PROBLEMS_FOUND, "the calendar's years end before some due moments: `motcua calendar plan` names them")
    show_plan(found, plan_data, plan_text, as_json=as_json)
    run(publish(intake_at(folder, intake), token, drawn, read_file(file)))
    progress.print(f"{drawn.version} is published; open dossiers follow it", markup=False)
    foretold = found.foretold
    if left := foretold - run(_followed(Folder(folder), drawn.version, foretold)):
        end(
            Exit.PROBLEMS_FOUND,
            f"finished, closed or not waited for meanwhile, and not moved: {', '.join(sorted(left))}",
        )
    progress.print(f"{len(foretold)} of {len(foretold)} dossiers moved as foretold", markup=False)


async def _plan(text: str, folder: Folder) -> tuple[Drawn, Plan]:
    now, published = legal_now(folder), await as_published(folder)
    drawn = draw(text, published, now)
    async with reading(folder, "processing", "processing") as tx:
        found = foresee(drawn, await read_open(tx), published, now)
    async with reading(folder, "notification", "notification") as tx:
        return drawn, await with_told(tx, found)


async def _followed(folder: Folder, version: str, foretold: frozenset[str]) -> frozenset[str]:
    """Wait until every open dossier follows a version; answer which of those foretold it moved."""
    until = time.monotonic() + FOLLOWED_SECONDS
    while True:
        async with reading(folder, "processing", "processing") as tx:
            behind = await count_behind(tx, version)
            if not behind:
                return await reckoned_by(tx, foretold, version)
        if time.monotonic() > until:
            end(Exit.NOT_READY, f"{behind} open dossiers do not follow {version} yet; see `motcua status`")
        await asyncio.sleep(LOOKS_AGAIN_SECONDS)
