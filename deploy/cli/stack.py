"""`motcua up`, `restart`, `down` and `status`: the embedded stack in the background."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import subprocess
import sys
import time
from typing import Annotated

import typer

from deploy.cli.options import DEFAULT_FOLDER, FolderOption, JsonOption
from deploy.cli.outcome import Exit, end, progress
from deploy.cli.stores import chosen_services, stack_of
from deploy.local import rolling, state
from deploy.local import status as stack_status
from deploy.local.folder import Folder, NotOurs
from deploy.local.ports import Ports
from deploy.local.services import MOST_REPLICAS, SERVICES, service_of
from deploy.local.stack import ALL_PARTS

_SPEAK_HTTP = {*SERVICES, "sms"}


def up(
    folder: FolderOption = DEFAULT_FOLDER,
    port_base: Annotated[
        int | None,
        typer.Option(help="Move all ports: services on +1 to +4 and +11 to +14, Kafka on +42 [default: 8000]."),
    ] = None,
    only: Annotated[str, typer.Option(help=f"Start only these parts, of {','.join(ALL_PARTS)}.")] = "",
    replicas: Annotated[int, typer.Option(min=1, max=MOST_REPLICAS, help="Processes of each service.")] = 1,
    fresh: Annotated[bool, typer.Option(help="Wipe the folder's earlier data first.")] = False,
) -> None:
    """Start the stack in the background and print its addresses.

    Examples: `motcua up --replicas 2`; `motcua up --port-base 9000`; `motcua up --only postgres,kafka`.
    A second `up` on a running folder is refused. Single ports are moved by MOTCUA_PORT_<PART>, such as
    MOTCUA_PORT_KAFKA=9092 or MOTCUA_PORT_INTAKE_2=9011.
    """
    parts = tuple(only.split(",")) if only else ALL_PARTS
    if unknown := set(parts) - set(ALL_PARTS):
        end(Exit.USAGE, f"unknown parts: {', '.join(sorted(unknown))}; there are {', '.join(ALL_PARTS)}")
    try:
        ports = Ports.from_environment(port_base)
    except ValueError as error:
        end(Exit.USAGE, str(error))
    place = Folder(folder)
    if place.locked:
        end(
            Exit.FAILED, f"the stack in {place.path} is already running; see `motcua status`, end it with `motcua down`"
        )
    try:
        place.prepare()
    except NotOurs as error:
        end(Exit.USAGE, str(error))
    daemon = _launch(place, ports, parts, ["--replicas", str(replicas), *(["--fresh"] if fresh else [])])
    _print_addresses(place, _follow(place, daemon))


def _launch(place: Folder, ports: Ports, parts: tuple[str, ...], more: list[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "deploy.local.daemon", "--folder", str(place.path), "--parts", ",".join(parts)]
    command += ["--ports", json.dumps(dataclasses.asdict(ports)), *more]
    with (place.path / "supervisor.log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - ourselves
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
        )


def _follow(place: Folder, daemon: subprocess.Popen[bytes]) -> state.StackState:
    """Show the daemon's progress until it runs; end with its reason when it does not."""
    with progress.status("starting") as shown:
        while True:
            if daemon.poll() is not None:
                end(Exit.FAILED, (place.path / "supervisor.log").read_text("utf-8", "replace").strip())
            found = state.read(place)
            if found is not None and found.supervisor.pid == daemon.pid:
                if found.phase == "running":
                    return found
                shown.update(found.progress or found.phase)
            time.sleep(0.1)


def _print_addresses(place: Folder, found: state.StackState) -> None:
    for name in (port for part in found.parts for port in stack_status.listeners(part)):
        scheme = "http://" if service_of(name) in _SPEAK_HTTP else ""
        typer.echo(f"{name:18}{scheme}127.0.0.1:{found.ports[name]}")
    progress.print(f"secrets in {place.secrets}, logs in {place.logs}; end with `motcua down`", markup=False)


def restart(
    service: Annotated[
        str | None, typer.Argument(metavar="[SERVICE]", help=f"One of {', '.join(SERVICES)}; all unless given.")
    ] = None,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Replace the processes of a service one after the other: each ends its work, and the new one is ready first.

    With two replicas somebody answers all the time; nothing is lost or done twice, whatever is going on. A replica that
    is not ready stops it before anything is ended. Examples: `motcua restart`; `motcua restart processing`.
    """
    place = Folder(folder)
    services, found = chosen_services(service), stack_of(place)
    if service is None:
        services = tuple(name for name in services if name in found.parts)
    with progress.status("restarting"):
        asyncio.run(rolling.restart(place, services, _tell_replaced))


def _tell_replaced(replaced: rolling.Replaced) -> None:
    typer.echo(f"{replaced.part:18}process {replaced.before.pid} ended, process {replaced.after.pid} is ready")


def down(
    folder: FolderOption = DEFAULT_FOLDER,
    wipe: Annotated[
        bool, typer.Option("--wipe", help="Remove the folder with all data, secrets and logs too.")
    ] = False,
) -> None:
    """End the stack of a folder, and whatever a crash left behind. Without a stack there is nothing to do.

    Examples: `motcua down`; `motcua down --folder var/trial --wipe`.
    """
    place = Folder(folder)
    found = state.read(place)
    if found is None:
        progress.print(f"no stack in {place.path}", markup=False)
        return
    with progress.status("ending the stack"):
        asyncio.run(_end(place, found))
        if wipe:
            place.remove()
    progress.print(f"the stack in {place.path} is down", markup=False)


async def _end(place: Folder, found: state.StackState) -> None:
    if place.locked:
        await found.supervisor.identity.end(seconds=90)
    left = [part.identity for part in found.parts.values()]
    await asyncio.gather(*(identity.end() for identity in left if identity.alive))


def status(
    folder: FolderOption = DEFAULT_FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Say what is up and healthy. Exit 0: all of it; 3: not all, or nothing runs."""
    place = Folder(folder)
    found = asyncio.run(stack_status.stack(place))
    if found is None:
        end(Exit.NOT_READY, f"no stack in {place.path}; start one with `motcua up`")
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        _print_status(found)
    if not found.healthy:
        raise typer.Exit(Exit.NOT_READY)


def _print_status(found: stack_status.StackStatus) -> None:
    typer.echo(f"{found.folder}: {found.phase}")
    for part in found.parts:
        ports = ", ".join(str(port) for port in part.ports.values())
        health = "healthy" if part.healthy else part.reason
        again = f", restarted {part.restarts}x" if part.restarts else ""
        typer.echo(f"  {part.name:14}{ports:12} {health}{again}" + (f" (process {part.pid})" if part.pid else ""))
