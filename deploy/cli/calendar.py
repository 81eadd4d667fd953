"""`motcua calendar show`: what each date is, and why, by the package or an installation; beside it `plan`, `apply`."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Annotated

import typer

from deploy.cli import calendar_changes
from deploy.cli.options import DEFAULT_FOLDER, FolderOption, JsonOption
from deploy.cli.outcome import Exit, end
from deploy.cli.rule_files import as_published
from deploy.cli.stores import run
from deploy.clock.questions import Rules
from deploy.clock.refusals import REFUSED, reason_of
from deploy.local.folder import Folder
from shared.contracts.facts import Language
from shared.rulebook.days import DayShown, DayStatus, day_shown
from shared.rulebook.explanation_text import date_text

STATUS = {
    DayStatus.WORKING: "làm việc / working",
    DayStatus.WEEKEND: "nghỉ hằng tuần / weekend",
    DayStatus.HOLIDAY: "nghỉ lễ, tết / holiday",
    DayStatus.IN_LIEU: "nghỉ bù / day in lieu",
    DayStatus.SWAP_OFF: "nghỉ hoán đổi / off by swap",
    DayStatus.WORKED_SATURDAY: "làm bù / worked Saturday",
    DayStatus.CLOSED: "không làm việc / closed",
}

app = typer.Typer(help="The calendar of working days.", no_args_is_help=True)


@app.callback()
def options() -> None:
    """The calendar of working days."""


@app.command()
def show(
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="The first date, such as 2020-01-20.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="The last date.")],
    *,
    agency: Annotated[str | None, typer.Option(help="The agency whose calendar it is, such as H56.97.21.")] = None,
    in_force: Annotated[
        bool, typer.Option("--in-force", help="The calendar that an installation published last, not the package's.")
    ] = False,
    folder: FolderOption = DEFAULT_FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Print each date: whether it is worked, what it is, and the name of its holiday or swap.

    Examples: `motcua calendar show --from 2020-01-20 --to 2020-02-03`; `motcua calendar show --in-force --from
    2020-06-01 --to 2020-06-30 --agency H56.97.21`.
    """
    begins, ends = _date("--from", first), _date("--to", last)
    if ends < begins:
        end(Exit.USAGE, "--to is earlier than --from")
    try:
        calendar = Rules().calendar_of(agency)
        if in_force:
            calendar = run(as_published(Folder(folder))).calendar.of(agency or "")
        days = [day_shown(calendar, begins + timedelta(days=number)) for number in range((ends - begins).days + 1)]
    except REFUSED as error:
        end(Exit.USAGE, reason_of(error))
    if as_json:
        typer.echo(json.dumps([_row(day) for day in days], ensure_ascii=False, indent=2))
        return
    for day in days:
        typer.echo(_line(day))


app.command()(calendar_changes.plan)
app.command()(calendar_changes.apply)


def _row(day: DayShown) -> dict[str, object]:
    return {
        "date": day.day.isoformat(),
        "working": day.working,
        "kind": day.status,
        "name": day.name_vi or None,
    }


def _line(day: DayShown) -> str:
    names = " / ".join(name for name in (day.name_vi, day.name_en) if name)
    return f"{date_text(day.day, Language.VI):22}{STATUS[day.status]:30}{names}".rstrip()


def _date(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        end(Exit.USAGE, f"{option}: a date such as 2020-01-20")
