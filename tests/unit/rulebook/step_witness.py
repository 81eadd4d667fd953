"""A second reckoning of the clocks of steps, minute by minute, that shares no code with the rulebook.

It walks through time and asks at each minute whether the agency works, and whether the dossier is paused. Moments are
naive and local; every event of a step falls on a minute, and a due moment on a tick.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.unit.rulebook.witness import Office

MINUTE, TICK = timedelta(minutes=1), timedelta(seconds=10)


def read(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def works(office: Office, moment: datetime) -> bool:
    """Whether the tick that begins at a moment is worked."""
    return any(opens <= moment < closes for opens, closes in office.sessions(moment.date()))


def paused(pauses: list[tuple[datetime, datetime | None]], moment: datetime) -> bool:
    return any(begins <= moment and (ends is None or moment < ends) for begins, ends in pauses)


def worked(office: Office, begins: datetime, ends: datetime) -> int:
    seconds = 0
    while begins < ends:
        tick = TICK if begins.second else MINUTE
        seconds += int(tick.total_seconds()) * works(office, begins)
        begins += tick
    return seconds


def answer(vector: dict[str, Any]) -> dict[str, Any]:
    hours = vector.get("office_hours", {})
    until = datetime.fromisoformat(vector["until"])
    pauses = [(datetime.fromisoformat(begins), read(ends)) for begins, ends in vector["pauses"]]
    steps = [walked(step, Office(hours.get(step["agency"])), pauses, until) for step in vector["steps"]]
    due = read(vector["due"])
    late = worked(Office(None), due, until) if due is not None and due < until else None
    over = sum(step["overrun"] for step in steps)
    shares = [Fraction(step["overrun"] * (late or 0), over) if over else Fraction(0) for step in steps]
    parts = [int(share) for share in shares]
    for _ in range((late or 0) - sum(parts) if over else 0):
        most = max(range(len(parts)), key=lambda place: shares[place] - parts[place])
        parts[most] += 1
    for step, part in zip(steps, parts, strict=True):
        step["part"] = part
    return {"steps": steps, "late": late, "desk": 0 if over else late or 0}


def walked(
    step: dict[str, Any], office: Office, pauses: list[tuple[datetime, datetime | None]], until: datetime
) -> dict[str, Any]:
    allowed, used, runs_out = step["allowance_hours"] * 3600, 0, None
    is_open = step["stays"][-1][1] is None
    for begins, ends in step["stays"]:
        moment, last = datetime.fromisoformat(begins), min(read(ends) or until, until)
        while moment < last:
            used += 60 * (works(office, moment) and not paused(pauses, moment))
            moment += MINUTE
            if used == allowed > 0 and runs_out is None:
                runs_out = moment
    ahead, left = until, allowed - used
    stands = any(ends is None for _, ends in pauses)
    while is_open and runs_out is None and left > 0 and not stands:
        left -= 60 * works(office, ahead)
        ahead += MINUTE
        runs_out = ahead if left == 0 else None
    told = runs_out.isoformat() if is_open and runs_out is not None else None
    return {"used": used, "overrun": max(0, used - allowed), "runs_out_at": told}
