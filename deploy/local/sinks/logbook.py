"""What arrived at the sinks: an append-only log without personal data, and the counts over it.

A number, an address or a text stands in it only as a salted SHA-256; the salt stays in a file beside the log.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

LOG_NAME = "arrivals.jsonl"
SALT_NAME = "salt"
SALT_BYTES = 32


class Kind(StrEnum):
    """Which sink."""

    SMS = "sms"
    MAIL = "mail"
    ZALO = "zalo"


@dataclass
class Tally:
    """How many messages arrived: first times, and repeats of a reference."""

    arrived: int = 0
    repeated: int = 0
    references: set[str] = field(default_factory=set)

    def add(self, reference: str) -> bool:
        """Count one arrival; answers whether its reference came before."""
        repeat = reference in self.references
        self.references.add(reference)
        self.arrived += not repeat
        self.repeated += repeat
        return repeat


class Logbook:
    """The log of all sinks in one folder. Opened again, it still knows every reference, also after a kill."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._salt = _salt(folder / SALT_NAME)
        self.tallies = {kind: Tally() for kind in Kind}
        path = folder / LOG_NAME
        if path.exists():
            _cut_torn_line(path)
            for line in read_arrivals(path):
                self.tallies[Kind(line["kind"])].add(line["reference"])
        # Unbuffered: a line that was written outlives the process.
        self._file = path.open("ab", buffering=0)

    def arrived(self, kind: Kind, reference: str, *, to: str, text: str) -> bool:
        """Write down one arrival; answers whether the same reference came before."""
        repeat = self.tallies[kind].add(reference)
        line = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "kind": kind,
            "reference": reference,
            "repeat": repeat,
            "to": self.digest(to),
            "text": self.digest(text),
            "length": len(text),
        }
        self._file.write(json.dumps(line).encode() + b"\n")
        return repeat

    def digest(self, text: str) -> str:
        """Salted SHA-256 as hex."""
        return hashlib.sha256(self._salt + text.encode()).hexdigest()

    def summary(self) -> dict[str, dict[str, int]]:
        """Arrivals and repeats by sink."""
        return {kind: {"arrived": tally.arrived, "repeated": tally.repeated} for kind, tally in self.tallies.items()}

    def close(self) -> None:
        """Close the log."""
        self._file.close()


def read_arrivals(path: Path) -> list[dict[str, Any]]:
    """Read every whole line of a log; the last one may still be in the making."""
    return [json.loads(line) for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def _cut_torn_line(path: Path) -> None:
    """Drop what a kill left of a last line, so that the next one begins on its own."""
    os.truncate(path, path.read_bytes().rfind(b"\n") + 1)


def _salt(path: Path) -> bytes:
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SALT_BYTES))
    return path.read_bytes()
