"""The command tree. Each command stands in the module of its subject."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from deploy.cli import operation, parked, stack, verify

EPILOG = """Exit codes: 0 done; 1 failed; 2 wrong usage; 3 not running or not ready; 4 a check found problems;
130 interrupted."""

app = typer.Typer(
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


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Một Cửa: the one-stop shop of a Vietnamese administration."""


app.command("up")(stack.up)
app.command("down")(stack.down)
app.command("status")(stack.status)
app.command("serve")(operation.serve)
app.command("provision")(operation.provision)
app.command("token")(operation.token)
app.add_typer(parked.app, name="parked")
app.add_typer(verify.app, name="verify")
