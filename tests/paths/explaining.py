"""Whether an explanation adds up: its lines, one by one, to the due moment in force, by the days of its calendar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from tests.integration.together.refold import LIMITS, SEED, Clock, Days, Published
from tests.unit.rulebook.witness import Office


def adds_up(shown: Mapping[str, Any], clock: Mapping[str, Clock], published: Sequence[Published]) -> list[str]:
    """Say of each limit where it does not."""
    calendars = {each.version: each.days for each in published}
    return [
        f"{name}: {fault}"
        for name in LIMITS
        for fault in _faults(shown[name], clock[name], calendars.get(shown[name]["calendar_version"], SEED))
    ]


def _faults(limit: Mapping[str, Any], stored: Clock, days: Days) -> Iterator[str]:
    lines, office = limit["runs"][-1]["lines"], Office(dict(days.hours), days.special)
    total = 0
    for line in lines:
        total += line["counted"]
        if line["total"] != total:
            yield f"{line['date']} says {line['total']}, and it is {total}"
        if line["working"] != bool(office.sessions(date.fromisoformat(line["date"]))):
            yield f"{line['date']} is said to be working: {line['working']}"
    due, since = stored
    if (_moment(limit["due_at"]), _moment(limit["paused_since"])) != stored:
        yield f"{limit['due_at']}, paused since {limit['paused_since']}: stored {stored}"
    if since is None and (total != limit["wanted"] or _moment(lines[-1]["to"]) != due):
        yield f"{total} of {limit['wanted']} until {lines[-1]['to']}: stored {due}"


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
