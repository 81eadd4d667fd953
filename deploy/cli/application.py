"""The command tree. Each command stands in the module of its subject, which is imported when it is asked for."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import structlog
import typer
from typer.core import TyperGroup
from typer.main import get_group

from deploy.cli.outcome import Exit, progress
from deploy.faults import DeployError

COMMANDS: Mapping[str, str] = {
    "up": "deploy.cli.stack:up",
    "restart": "deploy.cli.stack:restart",
    "down": "deploy.cli.stack:down",
    "status": "deploy.cli.stack:status",
    "serve": "deploy.cli.operation:serve",
    "provision": "deploy.cli.operation:provision",
    "secrets": "deploy.cli.operation:secrets",
    "token": "deploy.cli.operation:token",
    "token-keys": "deploy.cli.token_keys:app",
    "parked": "deploy.cli.parked:app",
    "republish": "deploy.cli.republish:again",
    "verify": "deploy.cli.verify:app",
    "load": "deploy.cli.load:load",
    "due": "deploy.cli.due:due",
    "calendar": "deploy.cli.calendar:app",
    "catalogue": "deploy.cli.catalogue:app",
    "demo": "deploy.demo.command:demo",
}
"""Command → where it stands: a function, or an application with commands of its own."""

EPILOG = """Exit codes: 0 done; 1 failed; 2 wrong usage; 3 not running or not ready; 4 a check found problems;
130 interrupted."""


class _Tree(TyperGroup):
    """Imports a command when it is asked for: `motcua status` need not wait for all that the year is made of."""

    def list_commands(self, _ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: Any, name: str) -> Any:
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(import_module(module), attribute)
        alone = typer.Typer(rich_markup_mode=None)
        if isinstance(found, typer.Typer):
            alone.add_typer(found, name=name)
        else:
            alone.command(name)(found)
        return get_group(alone).commands[name]


commands = typer.Typer(
    name="motcua",
    cls=_Tree,
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


def app() -> None:
    """Run one command; what an operator can act on is told in one message, without a trace of the program."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        commands()
    except DeployError as error:
        progress.print(str(error), markup=False)
        raise SystemExit(int(Exit.FAILED)) from error
