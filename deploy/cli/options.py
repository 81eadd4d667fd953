"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_FOLDER = Path("var/stack")

FolderOption = Annotated[
    Path, typer.Option("--folder", envvar="MOTCUA_FOLDER", help="Where data, secrets and logs of the stack lie.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout instead of text.")]
TokenOption = Annotated[
    str, typer.Option("--token", envvar="MOTCUA_TOKEN", help="Bearer token of the leader who signs off.")
]
IntakeOption = Annotated[
    str,
    typer.Option("--intake", metavar="HOST:PORT", help="Where intake answers; that of the folder's stack if left out."),
]
