"""An independent count: plain loops over what the tests published, sharing no code with metrics."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Known:
    """Every moment that a test published, by dossier."""

    accepted: dict[str, tuple[datetime, datetime, str]] = field(default_factory=dict)
    finished: dict[str, datetime] = field(default_factory=dict)
    once_late: set[str] = field(default_factory=set)
    reopened: list[str] = field(default_factory=list)
    apologised: dict[str, datetime] = field(default_factory=dict)
    due: dict[str, datetime | None] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    repeated: list[str] = field(default_factory=list)
    backdated: set[str] = field(default_factory=set)
    notices: list[tuple[str, str, str]] = field(default_factory=list)

    def count(self, now: datetime, place: str = "", of_field: str = "") -> dict[str, int]:
        """Count what should be published at the legal `now`, for one place or field where named."""
        found = dict.fromkeys(
            (
                *("received", "resolved", "resolved_on_time", "resolved_late", "closed_without_result", "in_progress"),
                *("in_progress_within_limit", "in_progress_overdue", "apologies_published", "reopened"),
                *("supplements_repeated", "backdated"),
            ),
            0,
        )
        for code, (_, first_due, own_field) in self.accepted.items():
            if not code.startswith(place) or of_field not in {"", own_field}:
                continue
            found["received"] += 1
            found["apologies_published"] += code in self.apologised
            found["reopened"] += self.reopened.count(code)
            found["supplements_repeated"] += self.repeated.count(code)
            found["backdated"] += code in self.backdated
            finished, due = self.finished.get(code), self.due.get(code, first_due)
            if code in self.closed:
                found["resolved"] += 1
                found["closed_without_result"] += 1
            elif finished is None:
                found["in_progress"] += 1
                overdue = due is not None and due < now
                found["in_progress_overdue" if overdue else "in_progress_within_limit"] += 1
            else:
                found["resolved"] += 1
                late = due is None or finished > due or code in self.once_late
                found["resolved_late" if late else "resolved_on_time"] += 1
        return found

    def reopen(self, code: str) -> None:
        """A finish no longer holds; that it was late does."""
        if self.finished.pop(code) > self.accepted[code][1]:
            self.once_late.add(code)
        self.reopened.append(code)

    def told(self, outcome: str) -> int:
        """Count messages of one outcome."""
        return sum(known == outcome for _, _, known in self.notices)
