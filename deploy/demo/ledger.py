"""The ledger: what the services acknowledged, and nothing else. The only list of dossiers that the year keeps.

A due moment is what a service told last: intake at acceptance, processing in its answers to acts, wherever a pause or
a restart has moved it since. The year itself reckons none.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from deploy.demo.plan import Arrival


@dataclass(frozen=True)
class Entry:
    """One acknowledged dossier: its code and both due moments as intake answered them, and the key that was used.

    `moved_to` are both due moments as processing told them last, where those are others. `turned`: the act by which it
    leaves the straight way was acknowledged.
    """

    code: str
    key: str
    statutory_due: datetime
    promised_due: datetime
    competent_agency: str
    arrival: Arrival
    moved_to: tuple[datetime, datetime] | None = None
    turned: bool = False


class Ledger:
    """Acknowledged answers in memory and, line by line, in a file that outlives a crash of the driver."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._entries: dict[str, Entry] = {}
        self._codes: dict[int, str] = {}
        self._file = path.open("w", encoding="utf-8", buffering=1)

    def record(self, entry: Entry) -> None:
        """Write down an answer. Raises `ValueError` when the same code was acknowledged for two dossiers."""
        if entry.code in self._entries:
            raise ValueError(f"{entry.code} was acknowledged twice")
        self._entries[entry.code] = entry
        self._codes[entry.arrival.number] = entry.code
        self._write(entry.code, entry.statutory_due, entry.promised_due, key=entry.key)

    def acted(self, code: str, action: str, statutory_due: datetime, promised_due: datetime) -> None:
        """Write down what the answer to an act told of a dossier; somebody else's stands in no ledger."""
        if (entry := self._entries.get(code)) is None:
            return
        told, course = (statutory_due, promised_due), entry.arrival.course
        if course is not None and action == course.way.act:
            entry = self._entries[code] = replace(entry, turned=True)
        if told != (entry.moved_to or (entry.statutory_due, entry.promised_due)):
            self._entries[code] = replace(entry, moved_to=told)
            self._write(code, *told)

    def _write(self, code: str, statutory_due: datetime, promised_due: datetime, **more: str) -> None:
        dues = {"statutory_due": statutory_due.isoformat(), "promised_due": promised_due.isoformat()}
        self._file.write(json.dumps({"code": code, **more, **dues}) + "\n")

    def get(self, code: str) -> Entry | None:
        """Look up what was acknowledged under this code; None when somebody else filed it."""
        return self._entries.get(code)

    def of(self, arrival: Arrival) -> Entry:
        """Find the entry of an arrival that was filed. Raises LookupError."""
        return self._entries[self._codes[arrival.number]]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def by_code(self) -> Mapping[str, Entry]:
        """Give every entry under its code."""
        return dict(self._entries)

    def told_by_code(self) -> Mapping[str, tuple[datetime, datetime, str]]:
        """Code → (statutory due, promised due, competent agency), as acknowledged."""
        return {entry.code: (entry.statutory_due, entry.promised_due, entry.competent_agency) for entry in self}

    def moved_by_code(self) -> Mapping[str, tuple[datetime, datetime, str]]:
        """Code → the same as processing told it last, for those whose due moments have moved."""
        return {entry.code: (*entry.moved_to, entry.competent_agency) for entry in self if entry.moved_to is not None}

    def courses(self) -> Mapping[str, int]:
        """Count the courses that its dossiers were on."""
        return Counter(entry.arrival.course.detour.value for entry in self if entry.arrival.course is not None)

    def codes_sha256(self) -> str:
        """SHA-256 over the sorted codes, one a line."""
        return digest_of(self._entries)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def digest_of(codes: Iterable[str]) -> str:
    """SHA-256 over the sorted codes, one a line."""
    return hashlib.sha256("".join(f"{code}\n" for code in sorted(codes)).encode()).hexdigest()
