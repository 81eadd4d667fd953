"""`motcua token-keys list|rotate`: the keys that sign bearer tokens."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.cli.options import DEFAULT_FOLDER, FolderOption, JsonOption
from deploy.cli.outcome import Exit, end, progress
from deploy.cli.stores import secrets_of
from deploy.local.folder import Folder, write_private
from deploy.secret_files import JWKS_SECRET
from shared.clocks import machine_now
from shared.jwks import LOOK_SECONDS, Keys, UnusableKeys, parse_keys
from shared.tokens import LONGEST_SECONDS, rotated, signing_key

app = typer.Typer(help="The keys that sign bearer tokens.", no_args_is_help=True)

HOUR = 3600
FileOption = Annotated[
    Path | None, typer.Option("--file", help="The key set (JWKS) [default: that of the stack's bearer tokens].")
]


@app.command("list")
def list_keys(
    folder: FolderOption = DEFAULT_FOLDER,
    file: FileOption = None,
    production: Annotated[
        bool, typer.Option("--production", help="Judge the set as a production profile does.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the keys of a set: their names, what they do and until when. Exit 4 when no service could use the set.

    Examples: `motcua token-keys list`; before a provider's new set is put in place,
    `motcua token-keys list --production --file jwks.json.new`.
    """
    path = _present(file or secrets_of(Folder(folder)) / JWKS_SECRET)
    try:
        rows = _rows(parse_keys(path.read_bytes(), symmetric=not production))
    except UnusableKeys as fault:
        end(Exit.PROBLEMS_FOUND, f"{path}: {fault}")
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        typer.echo(f"{row['kid']:24}{row['algorithm']:8}{row['does']:12}{row['until'] or ''}".rstrip())


def _rows(keys: Keys) -> list[dict[str, Any]]:
    now = int(machine_now().timestamp())
    signing = signing_key(keys, now)
    return [
        {
            "kid": kid,
            "algorithm": key.algorithm,
            "does": "signs" if kid == signing else "verifies" if key.holds(now) else "ended",
            "until": None if key.until is None else _moment(key.until),
        }
        for kid, key in keys.items()
    ]


@app.command()
def rotate(
    folder: FolderOption = DEFAULT_FOLDER,
    file: FileOption = None,
    overlap_hours: Annotated[
        float, typer.Option(min=0, help="How long the older keys go on verifying; 0 ends them at once.")
    ] = LONGEST_SECONDS / HOUR,
    create: Annotated[bool, typer.Option("--create", help="Make the set if there is none.")] = False,
) -> None:
    """Sign with a new key from now on. The services run: they follow the file by themselves.

    The older keys verify until the overlap is over (a day, the longest life of a token, unless told) and are left out
    of the set by the next rotation. Only sets of shared secrets are rotated here, those of an identity provider by it.

    Examples: `motcua token-keys rotate`; after a theft, `motcua token-keys rotate --overlap-hours 0`;
    `motcua token-keys rotate --file tracking-jwks.json --create`.
    """
    path = (file or secrets_of(Folder(folder)) / JWKS_SECRET).resolve()
    before = None if create and not path.exists() else _present(path)
    now = machine_now()
    kid = f"{now:%Y-%m-%d}-{secrets.token_hex(4)}"
    try:
        content = None if before is None else before.read_bytes()
        after = rotated(content, kid=kid, second=int(now.timestamp()), overlap_seconds=int(overlap_hours * HOUR))
        write_private(path, after, like=None if before is None else before.stat())
    except ValueError as fault:
        end(Exit.FAILED, f"{path}: {fault}")
    except OSError as fault:
        end(Exit.FAILED, f"{path} cannot be replaced: {fault.strerror}")
    list_keys(folder, path)
    progress.print(f"running services follow {path} within {LOOK_SECONDS:.0f} s; nothing needs to be restarted")


def _present(path: Path) -> Path:
    """Answer the path of a set that is there; else exit 3."""
    if not path.exists():
        end(Exit.NOT_READY, f"{path} is not there; start a stack with `motcua up`, or name a set with --file")
    return path


def _moment(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()
