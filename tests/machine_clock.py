"""The machine's clock as one process is to see it: ahead or behind; its monotonic time is left alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path


class MachineClock:
    """The clock of the processes that are started with its `environment`; set while they run, it jumps.

    libfaketime answers them. What goes by monotonic time, every wait and every timeout, is as true as ever; only an
    absolute sleep of a thread is refused, which no service has (https://github.com/wolfcw/libfaketime, README 4i).
    """

    def __init__(self, library: Path, file: Path) -> None:
        self._library, self._file = library, file

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process must be started with."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, ahead: timedelta) -> None:
        """Let the clock be ahead of the machine's, or behind."""
        written = self._file.with_suffix(".new")
        written.write_text(f"{ahead.total_seconds():+.0f}\n", "ascii")
        written.replace(self._file)
