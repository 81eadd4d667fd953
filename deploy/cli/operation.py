"""`motcua serve`, `provision`, `secrets` and `token`: the pieces of `up`, one by one."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from deploy.cli.options import DEFAULT_FOLDER, FolderOption
from deploy.cli.outcome import Exit, end, progress
from deploy.cli.stores import chosen_services, run, secrets_of
from deploy.installation import named_by_environment
from deploy.local import services, state
from deploy.local.folder import Folder
from deploy.local.ports import Ports
from deploy.local.stack import installation, legal_now
from deploy.provision.run import provision as provision_target
from deploy.secret_files import JWKS_SECRET, make_for_containers, make_missing
from shared.auth import could_come_from
from shared.roles import Role
from shared.tokens import LONGEST_SECONDS


def serve(
    service: Annotated[str, typer.Argument(metavar="NAME", help=f"One of {', '.join(services.SERVICES)}.")],
    folder: FolderOption = DEFAULT_FOLDER,
) -> NoReturn:
    """Become one service, in the foreground, against the servers of a running stack.

    Variables that begin with MOTCUA_ and stand in the environment win over those of the stack. Example:
    `motcua up --only postgres,kafka,sinks && motcua provision && motcua serve intake`.
    """
    (name,) = chosen_services(service)
    place = Folder(folder)
    scenario = place.scenario_clock if place.scenario_clock.exists() else None
    setting = services.Setting(place, _ports(place), scenario)
    given = {key: value for key, value in os.environ.items() if key.startswith("MOTCUA_")}
    os.execve(  # noqa: S606 - becoming the service, so that its signals and exit code are its own
        sys.executable,
        [sys.executable, "-m", f"services.{name}"],
        services.environment(setting, name) | given,
    )


def provision(folder: FolderOption = DEFAULT_FOLDER) -> None:
    """Bring roles, schemas, tables, topics, logins, rights and seed rules to the declared state.

    Of the running stack in the folder; with MOTCUA_SECRETS, of the servers that the environment names. Prints what it
    did; running it again does nothing new. Example: `motcua provision --folder var/trial`.
    """
    place = Folder(folder)
    if (found := named_by_environment()) is None:
        found = installation(place, _ports(place))
        make_missing(place.secrets)
    with progress.status("provisioning"):
        report = run(provision_target(found.target(), legal_time=legal_now(place)))
    for line in report.lines():
        typer.echo(line)


def secrets(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where they lie; made when it is not there.")],
) -> None:
    """Make every secret of an installation in containers that is not there yet, one file each.

    Prints the names of the new ones. The folder is closed to all but its owner; the files can be read by whoever they
    are mounted for. The keys of tokens are for development. Example: `motcua secrets var/compose/secrets`.
    """
    for name in make_for_containers(folder):
        typer.echo(name)


def token(
    role: Annotated[Role, typer.Option(help="What the caller is.")],
    agency: Annotated[str, typer.Option(help="The agency's code, such as H56.61.")] = "",
    subject: Annotated[str, typer.Option(help="Who the token is for.")] = "developer",
    hours: Annotated[float, typer.Option(min=0.01, max=LONGEST_SECONDS / 3600, help="How long it is valid.")] = 8,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Print a bearer token for a stack in development; production's tokens come from its identity provider.

    Example: `curl -H "Authorization: Bearer $(motcua token --role desk --agency H56.61)" …`
    """
    if not could_come_from(role, agency):
        end(Exit.USAGE, f"--agency {agency!r}: a {role} has the code of an agency, such as --agency H56.61")
    place = secrets_of(Folder(folder))
    if not (place / JWKS_SECRET).exists():
        end(Exit.NOT_READY, f"{place / JWKS_SECRET} is not there; start a stack with `motcua up`")
    typer.echo(services.token(place, role=role, agency=agency, subject=subject, seconds=int(hours * 3600)))


def _ports(place: Folder) -> Ports:
    found = state.read(place)
    if found is None or not place.locked:
        end(Exit.NOT_READY, f"no stack runs in {place.path}; start its servers with `motcua up --only postgres,kafka`")
    return Ports(**found.ports)
