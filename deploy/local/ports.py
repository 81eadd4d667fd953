"""The ports of the embedded stack: one number, everything else beside it."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.faults import DeployError

DEFAULT_BASE = 8000
"""Services on 8001-8004, second replicas on 8011-8014, sinks on 8025 f., PostgreSQL on 8032, Kafka on 8042 and 8043."""

OFFSETS: Mapping[str, int] = {
    "intake": 1,
    "processing": 2,
    "notification": 3,
    "metrics": 4,
    "intake_2": 11,
    "processing_2": 12,
    "notification_2": 13,
    "metrics_2": 14,
    "sms": 25,
    "mail": 26,
    "postgres": 32,
    "kafka": 42,
    "kafka_controller": 43,
}

_LISTEN = "0A"
"""The state of a socket that listens, as /proc/net/tcp writes it."""


class PortTaken(DeployError):
    """Somebody else listens on a port that one of our parts needs."""

    def __init__(self, name: str, port: int) -> None:
        self.name, self.port = name, port
        super().__init__(
            f"port {port} of {name} is taken by {listener_on(port) or 'another program'}; choose another with "
            f"{variable(name)}=<port>, or move all ports with --port-base <number> (MOTCUA_PORT_BASE)"
        )


@dataclass(frozen=True)
class Ports:
    """One port on 127.0.0.1 for each listening part."""

    intake: int
    processing: int
    notification: int
    metrics: int
    intake_2: int
    processing_2: int
    notification_2: int
    metrics_2: int
    sms: int
    mail: int
    postgres: int
    kafka: int
    kafka_controller: int

    @classmethod
    def from_base(cls, base: int = DEFAULT_BASE) -> Ports:
        """All ports at their fixed distance from one number."""
        return cls(**{name: base + offset for name, offset in OFFSETS.items()})

    @classmethod
    def from_environment(cls, base: int | None = None, environment: Mapping[str, str] = os.environ) -> Ports:
        """Ports from `base`, else `MOTCUA_PORT_BASE`, else 8000; single ones from `MOTCUA_PORT_<NAME>`.

        Raises ValueError for what is no port number.
        """
        chosen = base if base is not None else _number("MOTCUA_PORT_BASE", environment, DEFAULT_BASE)
        named = {name: _number(variable(name), environment) for name in OFFSETS if variable(name) in environment}
        ports = dataclasses.replace(cls.from_base(chosen), **named)
        numbers = list(dataclasses.asdict(ports).values())
        if len(set(numbers)) < len(numbers) or not all(1024 <= number <= 65535 for number in numbers):
            raise ValueError(f"ports must differ and lie between 1024 and 65535: {dataclasses.asdict(ports)}")
        return ports

    def of(self, name: str) -> int:
        """Find the port of one part by its name."""
        return int(getattr(self, name))


def _number(name: str, environment: Mapping[str, str], default: int = 0) -> int:
    try:
        return int(environment.get(name, default))
    except ValueError:
        raise ValueError(f"{name} is {environment[name]!r}, no number: give a port, such as 9000") from None


def variable(name: str) -> str:
    """Name the environment variable that moves one port."""
    return f"MOTCUA_PORT_{name.upper()}"


def refuse_taken(ports: Ports, names: Iterable[str]) -> None:
    """Raise PortTaken for the first of the named ports on which another program listens."""
    for name in names:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", ports.of(name)))
            except OSError as error:
                if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                    raise PortTaken(name, ports.of(name)) from error
                raise


def listener_on(port: int) -> str | None:
    """Name who listens on a port of this machine, by process id and command; None when we may not see it, or nobody."""
    sockets = {f"socket:[{inode}]" for table in ("tcp", "tcp6") for inode in _listening(table, port)}
    for descriptor in Path("/proc").glob("[0-9]*/fd/*") if sockets else ():
        with contextlib.suppress(OSError):  # ended or closed meanwhile, or another user's
            if str(descriptor.readlink()) in sockets:
                process = descriptor.parents[1]
                return f"process {process.name} ({(process / 'comm').read_text('utf-8', 'replace').strip()})"
    return None


def _listening(table: str, port: int) -> Iterable[str]:
    """Give the inodes of the sockets that listen on a port, from the kernel's table (proc(5))."""
    with contextlib.suppress(FileNotFoundError):  # a kernel without IPv6, or without /proc
        for row in Path("/proc/net", table).read_text("ascii").splitlines()[1:]:
            fields = row.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]
