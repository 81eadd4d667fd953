"""`motcua demo`: the year 2020 on fresh data, its report and its witnesses."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Annotated, TypeAlias

import asyncpg
import typer
import uvloop
from rich.console import Console

from deploy.cli.options import JsonOption
from deploy.cli.outcome import Exit, end, progress
from deploy.demo.chaos import Chaos, astray
from deploy.demo.fates import Impossible
from deploy.demo.plan import WORKING_DAYS, YearPlan, YearRequest, plan_year
from deploy.demo.play import BEGINS_AT, play, seed_rules, sinks_saw
from deploy.demo.progress import YearProgress
from deploy.demo.report import YearReport, show
from deploy.faults import DeployError
from deploy.local.ports import Ports
from deploy.local.services import MOST_REPLICAS
from deploy.local.stack import Stack
from shared.rulebook.loader import LawDataError

DEFAULT_FOLDER = Path("var/demo")
MOST_DOSSIERS = 200_000
"""A year of so many takes hours; `motcua load` makes a million in minutes."""

ShareClosed: TypeAlias = Annotated[
    float, typer.Option(min=0, max=1, help="Which share is withdrawn, stopped, or refused after a missed limit.")
]
ShareDetours: TypeAlias = Annotated[
    float, typer.Option(min=0, max=1, help="Which share waits for papers, money or a period, or has a step sent back.")
]
ChaosSeed: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="SEED", help="Kill services, Kafka and PostgreSQL at points of this seed; two replicas."),
]


def demo(
    *,
    dossiers: Annotated[int, typer.Option(min=1, max=MOST_DOSSIERS, help="How many dossiers are handed in.")] = 9470,
    open_at_the_end: Annotated[
        int, typer.Option("--open", min=0, help="How many are in progress within their limit when the year closes.")
    ] = 155,
    late: Annotated[int, typer.Option(min=0, help="How many the officers miss: apology first, finished late.")] = 0,
    seed: Annotated[int, typer.Option(help="Permutes the year; changes no count.")] = 1,
    days: Annotated[
        int, typer.Option(min=1, max=WORKING_DAYS, help="On how many working days they are handed in, evenly spaced.")
    ] = WORKING_DAYS,
    share_closed: ShareClosed = 0.02,
    share_detours: ShareDetours = 0.06,
    leave: Annotated[bool, typer.Option("--exit", help="End after the report instead of serving on.")] = False,
    as_json: JsonOption = False,
    replicas: Annotated[int, typer.Option(min=1, max=MOST_REPLICAS, help="Processes of each service.")] = 1,
    chaos: ChaosSeed = None,
    port_base: Annotated[int | None, typer.Option(help="Move all ports [default: 8000].")] = None,
    folder: Annotated[
        Path, typer.Option(envvar="MOTCUA_DEMO_FOLDER", help="Where the year's data lie; wiped at each start.")
    ] = DEFAULT_FOLDER,
) -> None:
    """Play 1 January to 30 November 2020 through the four services and print the district's report.

    Exit codes: 0 the four witnesses agree; 1 they do not, a dossier is parked, the year could not be played, or under
    fire a message came twice without leave or a code is not the plan's; 2 more open, late or closed dossiers or detours
    are asked for than the limits allow (the largest number is named).
    """
    try:
        rules = seed_rules()
        plan = plan_year(rules, YearRequest(dossiers, open_at_the_end, late, seed, days, share_closed, share_detours))
        ports = Ports.from_environment(port_base)
        replicas = replicas if chaos is None else MOST_REPLICAS
        stack = Stack(folder, ports, replicas=replicas, fresh=True, scenario=BEGINS_AT, told=_tell)
    except LawDataError as faulty:
        end(Exit.FAILED, str(faulty))
    except (Impossible, ValueError) as error:
        end(Exit.USAGE, str(error))
    try:
        fire = None if chaos is None else Chaos(stack, chaos, _tell)
        report, faults = uvloop.run(_year(stack, plan, fire, leave=leave, as_json=as_json))
    except* (KeyboardInterrupt, asyncio.CancelledError):
        end(Exit.INTERRUPTED, "interrupted")
    except* (DeployError, OSError, asyncpg.PostgresError) as stopped:
        end(Exit.FAILED, "\n".join(str(error) for error in _leaves(stopped)))
    if report.events.parked:
        again = f"motcua up --only postgres --folder {folder}" + (f" --port-base {port_base}" if port_base else "")
        _tell(f"the stack was ended: before `motcua parked` can read it, `{again}`")
    raise typer.Exit(Exit.FAILED if faults else report.exit_code)


async def _year(
    stack: Stack, plan: YearPlan, chaos: Chaos | None, *, leave: bool, as_json: bool
) -> tuple[YearReport, list[str]]:
    if (year := asyncio.current_task()) is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, year.cancel)
    shown = progress if as_json else Console(highlight=False)
    shown.print(f"the board: {stack.urls['metrics']}/")
    async with stack:
        with YearProgress(progress, plan.request.dossiers) as bar:
            hooks = chaos.hooks if chaos else {}
            report = await play(stack, plan, hooks=hooks, on_progress=bar.show)
        if as_json:
            under_fire = {"chaos": chaos.as_json()} if chaos else {}
            typer.echo(json.dumps(report.as_json() | under_fire, ensure_ascii=False))
        else:
            show(shown, report)
        shown.print("at the sinks: " + await sinks_saw(stack))
        faults = await _under_fire(shown, report, plan, chaos) if chaos else []
        if report.events.parked:
            _tell(f"parked: `motcua parked list --folder {stack.folder.path}` shows {report.events.parked} facts")
        if not leave:
            await _serve_on(stack)
    return report, faults


async def _under_fire(shown: Console, report: YearReport, plan: YearPlan, chaos: Chaos) -> list[str]:
    """Sum the strikes up; answers what is wrong with them, with the dossiers or with the messages."""
    shown.print(f"{chaos.in_words()}; codes_sha256 {report.codes_sha256}")
    faults = [*await chaos.faults(), *astray(report, plan)]
    for fault in faults:
        shown.print(f"[bold red]fault[/] {fault}")
    return faults


async def _serve_on(stack: Stack) -> None:
    """Leave everything running until Ctrl-C."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    for service, url in stack.urls.items():
        progress.print(f"{service:14}{url}/{'' if service == 'metrics' else 'docs'}")
    progress.print("serving on; Ctrl-C ends")
    await ended.wait()


def _tell(line: str) -> None:
    progress.print(line, style="dim", markup=False)


def _leaves(group: BaseExceptionGroup[Exception]) -> list[BaseException]:
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves
