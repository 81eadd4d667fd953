"""What happens to dossiers beside the work on them: papers and money awaited, periods, returns, withdrawals, silence.

Pure. A course says at which step a dossier leaves the straight way, which act takes the place of the straight one
there, and on which morning its applicant answers, its period ends or his limit has passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple


class Detour(StrEnum):
    """How a dossier leaves the straight way: the first four come back to it, the others close without a result."""

    SUPPLEMENT = "supplement"
    PAYMENT = "payment"
    PERIOD = "period"
    RETURN = "return"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"
    UNPAID = "unpaid"
    REFUSED = "refused"


class Way(NamedTuple):
    """What a detour is made of, each part empty where it has none; `weight` shares out those that close, or do not.

    `act` takes the place of the straight duty. `filed` is what the applicant hands in at the desk when he answers,
    `held` the duty that is left alone until he does or the period is over. `ends` closes the dossier. `role` is whose
    worklist shows what comes of an answer or of silence: at the place of reception, a leader's at who decides.
    """

    weight: int
    act: str = ""
    filed: str = ""
    held: str = ""
    ends: str = ""
    role: str = ""


WAYS: Mapping[Detour, Way] = {
    Detour.SUPPLEMENT: Way(40, act="request_supplement", filed="submit_papers", role="desk"),
    Detour.PAYMENT: Way(15, act="demand_payment", held="record_payment"),
    Detour.PERIOD: Way(30, act="pause", held="resume"),
    Detour.RETURN: Way(15, act="return_step"),
    Detour.WITHDRAWN: Way(40, filed="request_withdrawal", ends="withdraw", role="desk"),
    Detour.STOPPED: Way(20, filed="request_withdrawal", ends="stop", role="leader"),
    Detour.UNPAID: Way(15, act="demand_payment", ends="stop_unpaid", role="leader"),
    Detour.REFUSED: Way(25, act="request_supplement", ends="refuse_after_limit", role="desk"),
}
CLOSING = tuple(detour for detour, way in WAYS.items() if way.ends)
COMING_BACK = tuple(detour for detour, way in WAYS.items() if not way.ends)
HELD = frozenset(way.held for way in WAYS.values() if way.held)
"""Duties that say that something has happened outside: whoever does not know that it has leaves them alone."""
ENDING = frozenset(way.ends for way in WAYS.values() if way.ends)


@dataclass(frozen=True)
class Course:
    """The course of one arrival: the straight duty `instead_of` which its detour's act is done, at step `step_no`.

    `said` is what acts on the way say, by action. `until` is the morning of the answer, of the period's end or after
    the limit that was missed; by `begins_by`, the detour has begun.
    """

    detour: Detour
    step_no: int
    instead_of: str
    begins_by: datetime
    until: datetime | None
    said: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def way(self) -> Way:
        """What it is made of."""
        return WAYS[self.detour]

    def turns_at(self, step_no: int, action: str) -> bool:
        """Whether its act takes the place of this duty."""
        return (step_no, action) == (self.step_no, self.instead_of)

    def answered(self, now: datetime) -> bool:
        """Whether the morning has come on which the waiting is over."""
        return self.until is not None and now >= self.until

    def lets(self, step_no: int, action: str, now: datetime) -> bool:
        """Whether officers may do now what they owe."""
        way = self.way
        if action in HELD:
            return action == way.held and self.answered(now)
        if action in ENDING:
            return action == way.ends
        if way.filed and way.ends:  # work stands still for who wants his dossier back
            return step_no <= self.step_no and not self.answered(now)
        return True
