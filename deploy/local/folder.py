"""The stack's one folder: data, secrets, logs, state and the lock that keeps a second stack out.

    <folder>/.motcua-stack   marks the folder as ours: only a marked folder is ever wiped
    <folder>/lock            held (flock) by the supervisor as long as it lives
    <folder>/state.json      what runs, with process ids and their start
    <folder>/secrets/        generated passwords and keys, one file each, owner only
    <folder>/logs/           one file for each part
    <folder>/legal-clock     the scenario clock's moment; not there under the system's clock
    <folder>/sinks/          what the SMS gateway and the mail server got
    <folder>/kafka-data/     the broker's data
    <folder>/postgres-data/  the database's data

PostgreSQL refuses to run as root. Started by root, its data therefore belong to the unprivileged user `nobody`; where
that user could not reach `<folder>/postgres-data` (a parent is closed to others), they lie in
`/var/lib/motcua/<name>-<hash>` instead. No permission of a folder that is not ours is ever changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import stat
from pathlib import Path

from deploy.faults import DeployError

_MARKER = ".motcua-stack"
ROOTS_PLACE = Path("/var/lib/motcua")
"""Where root keeps what an unprivileged server must reach and cannot reach elsewhere."""


class FolderInUse(DeployError):
    """Another supervisor holds the folder."""

    def __init__(self, folder: Path, holder: str) -> None:
        super().__init__(f"the stack in {folder} is already running{holder}; end it with `motcua down` first")


class NotOurs(DeployError):
    """The folder holds something else: it is neither used nor wiped."""


def server_uid() -> int | None:
    """Name the unprivileged user for servers that refuse root; None when we are not root."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def reachable(path: Path, uid: int | None) -> bool:
    """Whether `uid` may walk through every folder from the root down to `path` (None: ourselves, always)."""
    if uid is None:
        return True
    return all(_may_enter(step.stat(), uid) for step in (path, *path.parents) if step.is_dir())


def _may_enter(found: os.stat_result, uid: int) -> bool:
    return bool(found.st_mode & (stat.S_IXUSR if found.st_uid == uid else stat.S_IXOTH))


def cache_folder() -> Path:
    """Where jars and copied binaries lie, shared by all stacks: `MOTCUA_CACHE`, else the checkout's `var/cache`."""
    named = os.environ.get("MOTCUA_CACHE")
    if named:
        return Path(named).resolve()
    checkout = Path(__file__).parents[2]
    return checkout / "var" / "cache" if (checkout / "pyproject.toml").exists() else Path.home() / ".cache" / "motcua"


class Folder:
    """The paths of one stack and the few things done to them. Made lazily: `prepare()` comes first."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.state = self.path / "state.json"
        self.secrets = self.path / "secrets"
        self.logs = self.path / "logs"
        self.sinks = self.path / "sinks"
        self.scenario_clock = self.path / "legal-clock"
        self.kafka = self.path / "kafka-data"
        self._lock: int | None = None

    @property
    def servers(self) -> Path:
        """Where an unprivileged server's data lie: in the folder, or where its user can reach them."""
        if reachable(self.path, server_uid()):
            return self.path
        digest = hashlib.sha256(str(self.path).encode()).hexdigest()[:12]
        return ROOTS_PLACE / f"{self.path.name}-{digest}"

    @property
    def postgres(self) -> Path:
        """The database's data."""
        return self.servers / "postgres-data"

    def prepare(self) -> None:
        """Make the folder and its parts. Raises NotOurs for a folder with foreign content."""
        if self.path.exists() and any(self.path.iterdir()) and not (self.path / _MARKER).exists():
            raise NotOurs(f"{self.path} is not empty and was not made by this program; choose another --folder")
        own_folder(self.path, 0o711 if os.geteuid() == 0 else 0o700)
        (self.path / _MARKER).touch(mode=0o600)
        for part in (self.secrets, self.logs, self.sinks, self.kafka):
            own_folder(part, 0o700)
        if self.servers != self.path:
            own_folder(ROOTS_PLACE, 0o711)
            own_folder(self.servers, 0o711)

    def lock(self) -> None:
        """Take the folder for this process until it ends. Raises FolderInUse."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode()
            os.close(descriptor)
            raise FolderInUse(self.path, f" (process {holder})" if holder else "") from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        self._lock = descriptor

    def unlock(self) -> None:
        """Give the folder back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def locked(self) -> bool:
        """Whether a living process holds the folder."""
        try:
            descriptor = os.open(self.path / "lock", os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def wipe(self) -> None:
        """Remove all data, secrets and logs, but not the cache; only in a folder that is marked as ours and held."""
        self._empty()
        self.prepare()

    def remove(self) -> None:
        """Remove the folder with all that belongs to it, wherever it lies. Raises FolderInUse while a stack runs."""
        if not self.path.exists():
            return
        self.lock()
        self._empty()
        shutil.rmtree(self.path)
        self.unlock()

    def _empty(self) -> None:
        if self._lock is None or not (self.path / _MARKER).exists():
            raise NotOurs(f"{self.path} is not held by us")
        shutil.rmtree(self.postgres if self.servers == self.path else self.servers, ignore_errors=True)
        for found in self.path.iterdir():
            if found.is_dir():
                shutil.rmtree(found)
            elif found.name not in {_MARKER, "lock", "supervisor.log"}:
                found.unlink()

    def secret(self, name: str) -> Path:
        """Keep the file of a secret: random text, made once."""
        path = self.secrets / name
        if not path.exists():
            write_private(path, random_text())
        return path


def random_text() -> bytes:
    """Make a password or a token of 192 bits."""
    return secrets.token_urlsafe(24).encode()


def own_folder(path: Path, mode: int) -> None:
    """Make a folder with exactly this mode, whatever the umask; its parents are made but never changed."""
    if not path.exists():
        path.mkdir(parents=True)
    if stat.S_IMODE(path.stat().st_mode) != mode:
        path.chmod(mode)


def write_private(path: Path, content: bytes, *, like: os.stat_result | None = None) -> None:
    """Write a file that only its owner may read; a reader sees the old content or the new, never a part.

    `like` gives it the mode of another file and, if we are root, that one's owner.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        if like is not None:
            os.fchmod(descriptor, stat.S_IMODE(like.st_mode))
            if os.geteuid() == 0:
                os.fchown(descriptor, like.st_uid, like.st_gid)
    draft.replace(path)
