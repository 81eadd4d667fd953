"""The two clocks: machine time for the machinery, legal time for what the law counts.

Machine time stamps records, leases, tokens and back-off. Legal time comes from a `LegalClock`: the system's, or for the
year and the tests a scenario clock, one small file that only ever goes forward.
"""

from __future__ import annotations

import mmap
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from shared.settings import ClockSettings

OFFICE_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
WORD_BYTES = 8


class ClockWentBack(RuntimeError):
    """The scenario's file holds an earlier moment than one that was already read: what the law saw cannot be unseen.

    Everybody waits until it is set on again.
    """


class ClockUnreadable(RuntimeError):
    """The scenario's file is not there or has not the eight bytes of a moment."""


class LegalClock(Protocol):
    """Says what time it is for the law."""

    def now(self) -> datetime:
        """Return the moment in the office's zone, to the second."""
        ...


def machine_now() -> datetime:
    """Machine time in UTC; never compared with a legal moment."""
    return datetime.now(UTC)


class SystemLegalClock:
    """Legal time as the machine has it."""

    def now(self) -> datetime:
        """Return the present second in the office's zone."""
        return datetime.now(OFFICE_ZONE).replace(microsecond=0)


class ScenarioClock:
    """Legal time as one file says it: a whole second of Unix time in eight bytes, mapped into memory.

    So a look costs no system call, needs no file descriptor that the process may have run out of, and never sees half
    a moment: an aligned word is written and read at once. The file is written in place: who maps it would not see
    another one of the same name. Raises ClockWentBack when it goes back, ClockUnreadable when it is none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._word: memoryview | None = None
        self._second = 0
        self._moment: datetime | None = None

    def now(self) -> datetime:
        """Return the moment in the file, in the office's zone."""
        if self._word is None:
            self._word = _word_of(self._path, mmap.PROT_READ)
        second = self._word[0]
        if self._moment is None or second > self._second:
            self._second, self._moment = second, datetime.fromtimestamp(second, OFFICE_ZONE)
        elif second < self._second:
            raise ClockWentBack(f"{self._path} went back {self._second - second} s from {self._moment.isoformat()}")
        return self._moment


def _word_of(path: Path, protection: int) -> memoryview:
    """Map the file's one word."""
    try:
        with path.open("r+b" if protection & mmap.PROT_WRITE else "rb") as file:
            page = mmap.mmap(file.fileno(), 0, prot=protection)
    except (OSError, ValueError) as error:
        raise ClockUnreadable(f"{path} cannot be read") from error
    if len(page) != WORD_BYTES:
        raise ClockUnreadable(f"{path} has {len(page)} bytes, not the {WORD_BYTES} of a moment")
    return memoryview(page).cast("q")


def legal_clock(settings: ClockSettings) -> LegalClock:
    """Return the clock that the settings name; production never gets here with a scenario."""
    return SystemLegalClock() if settings.scenario_file is None else ScenarioClock(settings.scenario_file)


def write_scenario(path: Path, moment: datetime) -> None:
    """Set the scenario clock; made if it is not there yet. Raises ClockUnreadable when the file is something else."""
    if moment.tzinfo is None:
        raise ValueError("a legal moment has an offset")
    second = int(moment.timestamp())
    if not path.exists():
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_bytes(second.to_bytes(WORD_BYTES, sys.byteorder, signed=True))
        draft.replace(path)
    _word_of(path, mmap.PROT_READ | mmap.PROT_WRITE)[0] = second
