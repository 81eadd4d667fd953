"""The catalogue of procedures: cases with their limits, steps and papers, pinned to a dossier at acceptance."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from shared.rulebook.limits import Limit, LimitKind


class UnknownCase(LookupError):
    """The catalogue version has no such case of a procedure."""

    def __init__(self, version: str, procedure_code: str, case_code: str) -> None:
        super().__init__(f"catalogue {version} has no case {case_code} of procedure {procedure_code}")


class ReceivedAt(StrEnum):
    """Which places of reception take a case in."""

    COMMUNE = "commune"
    DISTRICT = "district"
    BOTH = "both"


class SupplementPolicy(StrEnum):
    """What a supplement does to the limit: it goes on (C7) or starts again (C8)."""

    RESUME = "resume"
    RESTART = "restart"


class StepMove(StrEnum):
    """Which act completes a step."""

    ACCEPT = "accept"
    WORK = "work"
    PERIOD = "period"
    SIGN = "sign"
    NUMBER = "number"
    HAND_OVER = "hand_over"


class Rule(BaseModel):
    """What every part of a case shares: frozen, and closed to fields that this release does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Step(Rule):
    """One step of a case; the steps of one `parallel_group` open together."""

    no: int
    code: str
    name_vi: str
    name_en: str
    agency_role: str
    move: StepMove
    allowance_hours: int = Field(ge=0)
    parallel_group: str | None = None
    excluded_period: str | None = None

    @property
    def allowance(self) -> timedelta:
        """Working time that the step may take (C10)."""
        return timedelta(hours=self.allowance_hours)


class Paper(Rule):
    """A paper of a case and in how many originals, certified copies and photocopies it is asked for."""

    code: str
    name_vi: str
    name_en: str
    originals: int = Field(ge=0)
    certified: int = Field(ge=0)
    photocopies: int = Field(ge=0)
    required: bool
    reusable: bool


class Case(Rule):
    """One case of a procedure with everything that is pinned at acceptance. Fees in VND per `fee_unit`.

    `statutory_online` and `promised_online` are the limits of what is filed online; without one it is as at the desk.
    """

    row: int
    procedure_code: str
    case_code: str
    name_vi: str
    name_en: str
    case_name_vi: str
    case_name_en: str
    field: str
    field_vi: str
    decided_by: str
    received_at: ReceivedAt
    limit_kind: LimitKind
    statutory: int | None = Field(default=None, ge=1)
    promised: int | None = Field(default=None, ge=1)
    cut_off: time | None = None
    excluded_periods: tuple[str, ...] = ()
    supplement_policy: SupplementPolicy
    supplement_limit_days: int = Field(ge=1)
    max_supplements: int = Field(ge=0)
    fee_vnd: int = Field(ge=0)
    fee_unit: str
    effective_from: date
    effective_to: date | None = None
    in_year_2020: bool
    year_2020_weight: int = Field(ge=0)
    source_note: str
    online_offered: bool = True
    statutory_online: int | None = Field(default=None, ge=1)
    promised_online: int | None = Field(default=None, ge=1)
    steps: tuple[Step, ...] = ()
    papers: tuple[Paper, ...] = ()

    @property
    def statutory_limit(self) -> Limit:
        """The limit that the law sets."""
        return Limit(self.limit_kind, self.statutory or 0, self.cut_off)

    @property
    def promised_limit(self) -> Limit:
        """The limit that the district promises: a third of the statutory one, by which lateness is judged."""
        return Limit(self.limit_kind, self.promised or 0, self.cut_off)

    @property
    def filed_online(self) -> Case:
        """The case as it is for a dossier that was filed online: its limits are those for online filings."""
        own = {"statutory": self.statutory_online, "promised": self.promised_online}
        update = {name: amount for name, amount in own.items() if amount is not None}
        return self.model_copy(update=update) if update else self

    @property
    def numbering_follows_sign(self) -> bool:
        """Whether no step numbers the result: the act `number` then follows `sign` at the same agency."""
        return all(step.move is not StepMove.NUMBER for step in self.steps)

    def step(self, no: int) -> Step:
        """The step of that number, from 1. Raises LookupError if the case has no such step."""
        if not 1 <= no <= len(self.steps):
            raise LookupError(f"case {self.case_code} of procedure {self.procedure_code} has no step {no}")
        return self.steps[no - 1]

    def in_force(self, day: date) -> bool:
        """Whether the case is in force on a date; its first and last day count."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)


class CatalogueContent(Rule):
    """One catalogue version as it travels; from `effective_from` on dossiers are taken in under it."""

    cases: tuple[Case, ...]
    effective_from: date | None = None


class Catalogue:
    """One version of the catalogue; None as its first day: it always was in force."""

    __slots__ = ("_by_key", "_filed_online", "cases", "effective_from", "version")

    def __init__(self, version: str, cases: Iterable[Case], effective_from: date | None = None) -> None:
        self.version = version
        self.effective_from = effective_from
        self.cases = tuple(cases)
        self._by_key = {(case.procedure_code, case.case_code): case for case in self.cases}
        self._filed_online = {key: case.filed_online for key, case in self._by_key.items()}

    def case(self, procedure_code: str, case_code: str, *, filed_online: bool = False) -> Case:
        """The case of a procedure, with the limits of the way by which a dossier was filed. Raises UnknownCase."""
        known = self._filed_online if filed_online else self._by_key
        try:
            return known[procedure_code, case_code]
        except KeyError:
            raise UnknownCase(self.version, procedure_code, case_code) from None

    def has_procedure(self, procedure_code: str) -> bool:
        """Whether any case of the procedure stands in this version."""
        return any(case.procedure_code == procedure_code for case in self.cases)

    def cases_in_force(self, day: date) -> tuple[Case, ...]:
        """The cases in force on a date, in the catalogue's order."""
        return tuple(case for case in self.cases if case.in_force(day))
