"""`motcua serve`, `provision` and `token`: the pieces of `up`, one by one."""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer

from deploy.cli.options import DEFAULT_FOLDER, FolderOption
from deploy.cli.outcome import Exit, end, progress
from deploy.cli.stores import chosen_services, run
from deploy.local import services, state
from deploy.local.folder import Folder
from deploy.local.ports import Ports
from deploy.local.stack import legal_now, target
from deploy.provision.run import provision as provision_target
from shared.roles import Role


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
    """Bring roles, schemas, tables, rights, topics and seed rules of a running stack to the declared state.

    Prints what it did; running it again does nothing new. Example: `motcua provision --folder var/trial`.
    """
    place = Folder(folder)
    services.make_secrets(place)
    with progress.status("provisioning"):
        report = run(provision_target(target(place, _ports(place)), legal_time=legal_now(place)))
    for line in report.lines():
        typer.echo(line)


def token(
    role: Annotated[Role, typer.Option(help="What the caller is.")],
    agency: Annotated[str, typer.Option(help="The agency's code, such as H56.61.")] = "",
    subject: Annotated[str, typer.Option(help="Who the token is for.")] = "developer",
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 31, help="How long it is valid.")] = 8,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Print a bearer token for a stack in development; production's tokens come from its identity provider.

    Example: `curl -H "Authorization: Bearer $(motcua token --role desk --agency H56.61)" …`
    """
    key = Folder(folder).secrets / services.JWKS_SECRET
    if not key.exists():
        end(Exit.NOT_READY, f"{key} is not there; start a stack with `motcua up`")
    typer.echo(services.token(Folder(folder), role=role, agency=agency, subject=subject, seconds=int(hours * 3600)))


def _ports(place: Folder) -> Ports:
    found = state.read(place)
    if found is None or not place.locked:
        end(Exit.NOT_READY, f"no stack runs in {place.path}; start its servers with `motcua up --only postgres,kafka`")
    return Ports(**found.ports)
