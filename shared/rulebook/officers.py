"""The register of officers, by date: seats, absences with their deputies, revocations.

It narrows what a token says and never widens it: nobody gets a role or an agency by it. Of whom it says nothing, his
token alone is believed. A unit's entries are its own leaders'; those of another unit say nothing in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from shared.contracts.officers import EntryKind


class Seat(NamedTuple):
    """Whom a token names: an officer of an agency, in a role."""

    agency: str
    officer: str
    role: str


class Shut(StrEnum):
    """Why the register lets an officer do nothing on a day."""

    REVOKED = "officer_revoked"
    NOT_SEATED = "seat_not_held"


@dataclass(frozen=True, slots=True)
class Said:
    """What a leader says of an officer of his agency; both days count, and without a last one it has no end.

    `role` is that of the seat, or the one in which the officer is absent and `deputy` stands for him. A withdrawal
    takes back what the entry of that number says.
    """

    kind: EntryKind
    officer: str
    first_day: date
    last_day: date | None = None
    role: str = ""
    deputy: str = ""
    withdraws: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What was said, of which unit, when (legal time) and by whom."""

    no: int
    agency: str
    said: Said
    recorded_at: datetime
    recorded_by: str

    def covers(self, day: date) -> bool:
        """Whether it says something of a day."""
        return self.said.first_day <= day and (self.said.last_day is None or day <= self.said.last_day)


class Register:
    """Every entry, in order; frozen."""

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        self.entries = tuple(entries)
        withdrawn = {entry.said.withdraws for entry in entries}
        self._standing = {
            entry.no: entry
            for entry in entries
            if entry.said.kind is not EntryKind.WITHDRAWAL and entry.no not in withdrawn
        }
        self._about: defaultdict[tuple[str, str], list[Entry]] = defaultdict(list)
        self._deputised: defaultdict[tuple[str, str], list[Entry]] = defaultdict(list)
        for entry in self._standing.values():
            self._about[entry.agency, entry.said.officer].append(entry)
            if entry.said.deputy:
                self._deputised[entry.agency, entry.said.deputy].append(entry)

    @property
    def last_no(self) -> int:
        """The number of the last entry; 0 without any."""
        return self.entries[-1].no if self.entries else 0

    def grown(self, entries: Iterable[Entry]) -> Register:
        """Return it with what was said since."""
        return Register((*self.entries, *entries))

    def of(self, agency: str, day: date | None = None) -> list[Entry]:
        """List what was said of a unit: everything, or what stands of a day."""
        if day is None:
            return [entry for entry in self.entries if entry.agency == agency]
        return [entry for entry in self._standing.values() if entry.agency == agency and entry.covers(day)]

    def standing(self, agency: str, no: int) -> Entry | None:
        """Find an entry of a unit that can be withdrawn."""
        entry = self._standing.get(no)
        return entry if entry is not None and entry.agency == agency else None

    def shuts_out(self, seat: Seat, day: date) -> Shut | None:
        """Say why an officer may do nothing on a day: he is revoked, or has seats and this is none of them."""
        known = self._about.get((seat.agency, seat.officer), ())
        if any(entry.said.kind is EntryKind.REVOCATION and entry.covers(day) for entry in known):
            return Shut.REVOKED
        seats = [entry for entry in known if entry.said.kind is EntryKind.SEAT]
        if seats and not any(entry.said.role == seat.role and entry.covers(day) for entry in seats):
            return Shut.NOT_SEATED
        return None

    def stands_for(self, seat: Seat, day: date) -> frozenset[str]:
        """Name those whose deputy an officer is on a day."""
        return frozenset(
            entry.said.officer
            for entry in self._deputised.get((seat.agency, seat.officer), ())
            if entry.said.role == seat.role and entry.covers(day)
        )


NOBODY_SAID = Register()
"""The register before any leader has said anything."""
