"""Small disks of their own for the data of a server, so that they can be filled without touching the machine's."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import stat
from pathlib import Path

MOUNTS = Path("/proc/mounts")
BLOCK_BYTES = 4096


class Refused(Exception):
    """This machine lacks what a fault needs; the message says what."""


class NotBrought(Refused):
    """A tool that the project brings by itself is not there: where CI=true no reason to pass the fault over."""


class Disk:
    """A tmpfs of so many bytes under an existing folder; what the folder held moves onto it."""

    def __init__(self, place: Path, megabytes: int) -> None:
        self.place, self._megabytes = place, megabytes
        self._ballast = place / "ballast"

    async def mount(self) -> None:
        """Raises Refused."""
        found = self.place.stat()
        kept = self.place.with_name(f"{self.place.name}.kept")
        shutil.rmtree(kept, ignore_errors=True)
        self.place.rename(kept)
        self.place.mkdir()
        mode = f"mode={stat.S_IMODE(found.st_mode):o},uid={found.st_uid},gid={found.st_gid}"
        try:
            await _run("mount", "-t", "tmpfs", "-o", f"size={self._megabytes}m,{mode}", "tmpfs", str(self.place))
        except Refused:
            self.place.rmdir()
            kept.rename(self.place)
            raise
        await _run("cp", "-a", f"{kept}/.", str(self.place))
        shutil.rmtree(kept)

    async def unmount(self) -> None:
        if str(self.place) in {line.split()[1] for line in MOUNTS.read_text().splitlines()}:
            await _run("umount", "--lazy", str(self.place))

    @property
    def free(self) -> int:
        found = os.statvfs(self.place)
        return found.f_bavail * found.f_frsize

    def fill(self) -> int:
        """Leave no block free; answers how many bytes that took."""
        before = wanted = self.free
        with self._ballast.open("ab", buffering=0) as file:
            while wanted >= BLOCK_BYTES:
                try:
                    os.posix_fallocate(file.fileno(), file.tell(), wanted)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    # The server wrote after we had looked.
                    wanted //= 2
                else:
                    file.seek(0, os.SEEK_END)
                    wanted = self.free
        return before

    def empty(self) -> None:
        self._ballast.unlink(missing_ok=True)


async def _run(*command: str) -> None:
    try:
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    except OSError as error:
        raise Refused(f"this machine mounts no small disk: {error}") from error
    _, errors = await process.communicate()
    if process.returncode:
        raise Refused(f"this machine mounts no small disk: {errors.decode().strip()}")
