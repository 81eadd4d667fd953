"""`motcua demo`: the year 2020 on fresh data, its report and its witnesses."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from deploy.demo.plan import Impossible, Rules, YearPlan, YearRequest, plan_year
from deploy.demo.play import BEGINS_AT, play, seed_rules
from deploy.demo.progress import YearProgress
from deploy.demo.report import YearReport, show
from deploy.local.ports import Ports
from deploy.local.stack import Stack

FOLDER = Path("var/demo")
IMPOSSIBLE = 2
"""Exit code when the limits do not allow so many open or late dossiers."""


def demo(
    *,
    dossiers: Annotated[int, typer.Option(min=1, help="How many dossiers are handed in.")] = 9470,
    open_at_the_end: Annotated[
        int, typer.Option("--open", min=0, help="How many are still in progress, within their limit, at the end.")
    ] = 155,
    late: Annotated[int, typer.Option(min=0, help="How many the officers miss: apology first, finished late.")] = 0,
    seed: Annotated[int, typer.Option(help="Permutes the year; changes no count.")] = 1,
    leave: Annotated[bool, typer.Option("--exit", help="End after the report instead of serving on.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one object on stdout.")] = False,
    port_base: Annotated[int | None, typer.Option(help="Move all ports: services at base + 1 to base + 4.")] = None,
) -> None:
    """Play 1 January to 30 November 2020 through the four services and print the district's report.

    Exit codes: 0 the four witnesses agree; 1 they do not, or a dossier is parked; 2 more open or late dossiers than
    the limits allow.
    """
    told = Console(stderr=True)
    rules = seed_rules()
    try:
        plan = plan_year(rules, YearRequest(dossiers, open_at_the_end, late, seed))
    except Impossible as impossible:
        told.print(f"[red]{impossible}[/]")
        raise typer.Exit(IMPOSSIBLE) from impossible
    ports = Ports.from_environment(port_base)
    report = uvloop.run(_year(plan, rules, ports, told, leave=leave, as_json=as_json))
    raise typer.Exit(report.exit_code)


async def _year(plan: YearPlan, rules: Rules, ports: Ports, told: Console, *, leave: bool, as_json: bool) -> YearReport:
    shown = told if as_json else Console()
    stack = Stack(FOLDER, ports, fresh=True, scenario=BEGINS_AT, told=lambda line: told.print(f"[dim]{line}[/]"))
    shown.print(f"the board: {stack.urls['metrics']}/")
    async with stack:
        with YearProgress(told, plan.request.dossiers) as progress:
            report = await play(stack, plan, rules, on_progress=progress.show)
        if as_json:
            typer.echo(json.dumps(report.as_json(), ensure_ascii=False))
        else:
            show(shown, report)
        if not leave:
            await _serve_on(stack, told)
    return report


async def _serve_on(stack: Stack, told: Console) -> None:
    for service, url in stack.urls.items():
        told.print(f"{service:<13}{url}/{'' if service == 'metrics' else 'docs'}")
    told.print("serving on; Ctrl-C ends")
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    with contextlib.suppress(asyncio.CancelledError):
        await ended.wait()
