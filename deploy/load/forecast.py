"""What a load will cost: disk and time, said before it begins."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

BYTES_EACH = 17_000
"""Rows and indexes of one dossier in all schemas: 15,600 were measured at 100,000."""
BESIDES = 3_000_000_000
"""The write-ahead log at its largest, and what the server must always have left."""
A_SECOND = 500
"""Dossiers loaded in a second by two cores that do nothing else: 1.5 ms of processor time each, the server's beside."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Bytes that will be written to stay, bytes that must be free before, bytes that are, and how long it takes."""

    dossiers: int
    free: int

    @classmethod
    def of(cls, dossiers: int, data: Path) -> Forecast:
        """Look at the disk that holds the database's data."""
        return cls(dossiers, shutil.disk_usage(data).free)

    @property
    def stays(self) -> int:
        """Bytes of the loaded dossiers."""
        return self.dossiers * BYTES_EACH

    @property
    def fits(self) -> bool:
        """Whether the disk holds them, with the log beside."""
        return self.stays + BESIDES <= self.free

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return self.dossiers / A_SECOND

    def __str__(self) -> str:
        """Say it in words."""
        return (
            f"{self.dossiers:,} dossiers: about {self.stays / 1e6:,.0f} MB to stay, {BESIDES / 1e6:,.0f} MB for the "
            f"write-ahead log meanwhile, of {self.free / 1e6:,.0f} MB that are free; about {self.seconds:,.0f} s on an "
            f"idle machine"
        )
