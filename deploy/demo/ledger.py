"""The ledger: what the services acknowledged, and nothing else. The only list of dossiers that the year keeps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from deploy.demo.plan import Arrival


@dataclass(frozen=True)
class Entry:
    """One acknowledged dossier: its code and both due moments as intake answered them, and the key that was used."""

    code: str
    key: str
    statutory_due: datetime
    promised_due: datetime
    competent_agency: str
    arrival: Arrival


class Ledger:
    """Acknowledged answers in memory and, line by line, in a file that outlives a crash of the driver."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._entries: dict[str, Entry] = {}
        self._file = path.open("w", encoding="utf-8", buffering=1)

    def record(self, entry: Entry) -> None:
        """Write down an answer. Raises `ValueError` when the same code was acknowledged for two dossiers."""
        if entry.code in self._entries:
            raise ValueError(f"{entry.code} was acknowledged twice")
        self._entries[entry.code] = entry
        line = {
            "code": entry.code,
            "key": entry.key,
            "statutory_due": entry.statutory_due.isoformat(),
            "promised_due": entry.promised_due.isoformat(),
        }
        self._file.write(json.dumps(line) + "\n")

    def get(self, code: str) -> Entry | None:
        """Look up what was acknowledged under this code; None when somebody else filed it."""
        return self._entries.get(code)

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

    def codes_sha256(self) -> str:
        """SHA-256 over the sorted codes, one a line."""
        return digest_of(self._entries)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def digest_of(codes: Iterable[str]) -> str:
    """SHA-256 over the sorted codes, one a line."""
    return hashlib.sha256("".join(f"{code}\n" for code in sorted(codes)).encode()).hexdigest()
