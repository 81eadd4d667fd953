"""The command tree. Each command stands in the module of its subject."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import structlog
import typer

from deploy.cli import operation, parked, republish, stack, verify
from deploy.cli.outcome import Exit, progress
from deploy.demo.command import demo
from deploy.faults import DeployError

EPILOG = """Exit codes: 0 done; 1 failed; 2 wrong usage; 3 not running or not ready; 4 a check found problems;
130 interrupted."""


commands = typer.Typer(
    name="motcua",
    help="Một Cửa: the one-stop shop of a Vietnamese administration.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(version("motcua"))
        raise typer.Exit


@commands.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Một Cửa: the one-stop shop of a Vietnamese administration."""


commands.command("up")(stack.up)
commands.command("restart")(stack.restart)
commands.command("down")(stack.down)
commands.command("status")(stack.status)
commands.command("serve")(operation.serve)
commands.command("provision")(operation.provision)
commands.command("token")(operation.token)
commands.add_typer(parked.app, name="parked")
commands.command("republish")(republish.again)
commands.add_typer(verify.app, name="verify")
commands.command("demo")(demo)


def app() -> None:
    """Run one command; what an operator can act on is told in one message, without a trace of the program."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        commands()
    except DeployError as error:
        progress.print(str(error), markup=False)
        raise SystemExit(int(Exit.FAILED)) from error
