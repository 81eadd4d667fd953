"""What stopped a dossier's clock: supplements, payments and excluded periods, each as it happened (C6, C13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.facts import State
from shared.rulebook.calendar import local
from shared.rulebook.pauses import Pause, PauseKind


@dataclass(frozen=True, slots=True)
class Halt:
    """One pause; they count from 1. `agency` and `officer` are who began it, `basis` what it rests on.

    `step_no` is the step that is an excluded period, 0 for the others. `ends_at` is when it ended by law: of a
    supplement when the last paper had arrived, whenever the desk confirms that. `missing` are the papers that have not
    arrived; `limit_at` is the applicant's own limit, `limit_reached` that its timer has fired. `amount_vnd` is what a
    payment demands. `ended_by` is the officer who said that it was over, empty until somebody has. Where a calendar
    has moved the limit, `first_limit_at` is the one that was asked with, and `limit_calendar` the version that did.
    """

    no: int
    kind: PauseKind
    begins_at: datetime
    came_from: State
    agency: str
    officer: str
    basis: str
    step_no: int = 0
    ends_at: datetime | None = None
    limit_at: datetime | None = None
    limit_reached: bool = False
    papers: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    amount_vnd: int | None = None
    ended_by: str = ""
    first_limit_at: datetime | None = None
    limit_calendar: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it has not ended by law."""
        return self.ends_at is None

    @property
    def ended_in_time(self) -> bool:
        """Whether it ended within the applicant's own limit; exactly at it is in time (C13)."""
        return self.ends_at is not None and self.limit_at is not None and self.ends_at <= self.limit_at

    @property
    def pause(self) -> Pause:
        """The pause as the rulebook reckons with it."""
        return Pause(self.kind, local(self.begins_at), None if self.ends_at is None else local(self.ends_at))


@dataclass(frozen=True, slots=True)
class Proposal:
    """A further supplement that waits for a leader of the agency that proposed it."""

    papers: tuple[str, ...]
    agency: str
    officer: str
    proposed_at: datetime
