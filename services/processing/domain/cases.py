"""A dossier in processing: its state, its steps as a set, and what was decided so far. Moments are legal time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from services.processing.domain.halts import Halt, Proposal
from shared.contracts.facts import State
from shared.rulebook.agencies import in_area
from shared.rulebook.catalogue import Case as Kind
from shared.rulebook.catalogue import Catalogue, StepMove
from shared.rulebook.pauses import EXCLUDED_PERIODS, PauseKind
from shared.rulebook.seats import OfficerRole


class StepStatus(StrEnum):
    """Where a step stands."""

    WAITING = "waiting"
    OPEN = "open"
    DONE = "done"


class Clock(StrEnum):
    """What the promised limit of a dossier does."""

    RUNNING = "running"
    PAUSED = "paused"
    OVER = "over"


class Stay(NamedTuple):
    """A span in which the dossier stood at a step, before it was sent back and the step opened again."""

    opened_at: datetime
    left_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a dossier.

    `agency` is empty until the step opens where another commune is named only then. `holder` is the officer whose step
    it is; `taken` is false while it is only assigned to him. `earlier` are the stays before the present one: a returned
    step goes on with the time it has left (C10). `period` names the excluded period that the step is.
    """

    no: int
    code: str
    move: StepMove
    agency: str
    agency_path: str
    role: OfficerRole
    group: str
    status: StepStatus
    holder: str | None = None
    taken: bool = False
    opened_at: datetime | None = None
    completed_at: datetime | None = None
    earlier: tuple[Stay, ...] = ()
    period: str = ""

    @property
    def is_open(self) -> bool:
        """Whether somebody has to act on it now."""
        return self.status is StepStatus.OPEN

    @property
    def is_done(self) -> bool:
        """Whether it is complete."""
        return self.status is StepStatus.DONE


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to another agency, beside the flow: by whom and when, and who answered when. They count from 1."""

    no: int
    step_no: int
    agency: str
    agency_path: str
    asked_by: str
    asked_at: datetime
    answered_by: str | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One accepted dossier. `version` counts officers' acts; steps stand in order and the last is `hand_over`.

    Both due moments are a cache of what the rulebook reckons from `accepted_at` and `halts`; of a limit that is paused
    since a moment it is the last that was in force. `finished_late_at` is the first late one of the finishes that were
    taken back: the dossier stays late (C11). `closed_at` is when it ended without a result.
    `calendar_version` is the calendar by which its promised due moment was reckoned, `statutory_calendar` that of the
    statutory one where it is another, `calendar_followed` the one that was last applied to it: by that one goes
    whatever is reckoned next.
    `filed_online` says which limits of its catalogue version it has: those at the desk, or those for online filings.
    One that counts from before its record says when it was `recorded_at`, on what `evidence`, and who approved (C14).
    """

    code: str
    state: State
    version: int
    procedure_code: str
    case_code: str
    area_code: str
    received_by: str
    received_path: str
    competent_agency: str
    competent_path: str
    catalogue_version: str
    calendar_version: str
    agencies_version: str
    limit_kind: str
    accepted_at: datetime
    statutory_due: datetime
    promised_due: datetime
    result_number: str | None = None
    finished_at: datetime | None = None
    handed_over_at: datetime | None = None
    draft_opened_at: datetime | None = None
    apologised_at: datetime | None = None
    reappointed_to: datetime | None = None
    finished_late_at: datetime | None = None
    corrected_at: datetime | None = None
    statutory_paused_since: datetime | None = None
    promised_paused_since: datetime | None = None
    half_time_at: datetime | None = None
    withdrawal_requested_at: datetime | None = None
    closed_at: datetime | None = None
    calendar_followed: str = ""
    recorded_at: datetime | None = None
    evidence: str | None = None
    approved_by: str | None = None
    approving_agency: str | None = None
    statutory_calendar: str | None = None
    filed_online: bool = False
    steps: tuple[Step, ...] = ()
    asks: tuple[Ask, ...] = ()
    halts: tuple[Halt, ...] = ()
    proposal: Proposal | None = None

    def kind(self, catalogue: Catalogue) -> Kind:
        """Find its case of the catalogue that it was accepted under, with the limits of how it was filed."""
        return catalogue.case(self.procedure_code, self.case_code, filed_online=self.filed_online)

    @property
    def statutory_version(self) -> str:
        """The calendar by which its statutory due moment was reckoned."""
        return self.statutory_calendar or self.calendar_version

    @property
    def parts(self) -> tuple[str, ...]:
        """The paths of all who have a part in it: its place, who decides, each step's agency once known, the asked.

        Who was asked keeps his part: he may look at what he has answered.
        """
        steps = (step.agency_path for step in self.steps if step.agency_path)
        asked = (ask.agency_path for ask in self.asks)
        return tuple(dict.fromkeys((self.received_path, self.competent_path, *steps, *asked)))

    @property
    def agencies(self) -> frozenset[str]:
        """The agencies that have a part in it themselves, not as somebody's superior."""
        those = (self.received_by, self.competent_agency, *(step.agency for step in self.steps))
        return frozenset((*those, *(ask.agency for ask in self.asks))) - {""}

    def concerns(self, paths: tuple[str, ...]) -> bool:
        """Whether a subtree under one of these paths has a part in it, or whoever took a part over in its area."""
        return any(in_area(part, self.area_code).startswith(paths) for part in self.parts)

    def open_steps(self) -> Iterator[Step]:
        """List the steps that wait for an act, in order."""
        return (step for step in self.steps if step.status is StepStatus.OPEN)

    def step(self, no: int | None) -> Step | None:
        """Find a step by its number."""
        return next((step for step in self.steps if step.no == no), None)

    def step_of(self, move: StepMove) -> Step | None:
        """Find the first step that this move completes."""
        return next((step for step in self.steps if step.move is move), None)

    @property
    def signature(self) -> Step | None:
        """The step that signs, once a valid signature stands."""
        step = self.step_of(StepMove.SIGN)
        return step if step is not None and step.status is StepStatus.DONE else None

    @property
    def only_hand_over_left(self) -> bool:
        """Whether every step but the last is complete."""
        return all(step.status is StepStatus.DONE for step in self.steps[:-1])

    @property
    def numbering_step(self) -> Step | None:
        """The step at which the result gets its number: one of its own, else the step that signs."""
        return self.step_of(StepMove.NUMBER) or self.step_of(StepMove.SIGN)

    @property
    def draft_is_open(self) -> bool:
        """Whether a draft of an apology waits for the leader: opened, neither sent nor discarded by finishing."""
        return self.draft_opened_at is not None and self.apologised_at is None and self.finished_at is None

    @property
    def is_over(self) -> bool:
        """Whether no limit runs any more: the result is ready, or the dossier was closed without one."""
        return self.finished_at is not None or self.closed_at is not None

    @property
    def clock(self) -> Clock:
        """What its promised limit does; a pause of one that is late already does not hide that (C11)."""
        if self.is_over:
            return Clock.OVER
        return Clock.RUNNING if self.promised_paused_since is None else Clock.PAUSED

    def last_halt(self, kind: PauseKind) -> Halt | None:
        """Find the last pause of a kind."""
        return next((halt for halt in reversed(self.halts) if halt.kind is kind), None)

    @property
    def supplements(self) -> int:
        """How often papers were asked for since acceptance."""
        return sum(halt.kind is PauseKind.SUPPLEMENT for halt in self.halts)

    @property
    def open_period(self) -> Halt | None:
        """The excluded period that is open."""
        return next((halt for halt in self.halts if halt.is_open and halt.kind in EXCLUDED_PERIODS), None)

    @property
    def some_step_completed(self) -> bool:
        """Whether a step after acceptance is complete."""
        return any(step.is_done and step.move is not StepMove.ACCEPT for step in self.steps)
