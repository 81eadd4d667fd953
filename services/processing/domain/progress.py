"""How steps follow each other: a parallel group opens together, the next step opens when all of it is complete."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

from services.processing.domain.cases import Stay, Step, StepStatus
from services.processing.domain.refusals import ActInvalid
from shared.rulebook.agencies import Agencies, Agency, AgencyKind

Steps = tuple[Step, ...]


class Seat(Protocol):
    """An agency, as far as a step names it."""

    @property
    def code(self) -> str:
        """Its code."""
        ...

    @property
    def path(self) -> str:
        """Its place in the tree."""
        ...


class Communes(Protocol):
    """Answers which other communes do the steps that an act opens."""

    def resolve(self, wanted: int) -> Iterator[Seat]:
        """Answer exactly as many as steps want one."""
        ...


@dataclass(frozen=True, slots=True)
class NamedCommunes:
    """The communes that an act names, in the order of the steps which it opens and which the catalogue leaves open."""

    codes: Sequence[str]
    agencies: Agencies
    day: date

    def resolve(self, wanted: int) -> Iterator[Seat]:
        """Answer exactly as many communes as steps want one. Raises ActInvalid."""
        if len(self.codes) != wanted:
            raise ActInvalid("other_commune_invalid", "Name a commune for each step that is to open at another one.")
        return (self._commune(code) for code in self.codes)

    def _commune(self, code: str) -> Agency:
        if not self.agencies.in_force(code, self.day):
            raise ActInvalid("other_commune_invalid", "No agency of that code is in force.")
        agency = self.agencies.get(code)
        if agency.kind is not AgencyKind.COMMUNE:
            raise ActInvalid("other_commune_invalid", "The agency named is not a commune.")
        return agency


def complete(steps: Steps, finished: Step, subject: str, now: datetime, named: Communes) -> Steps:
    """Complete one open step by an officer's act; open what follows once nothing else is open."""
    done = replace(finished, status=StepStatus.DONE, holder=subject, taken=True, completed_at=now)
    left = replaced(steps, done)
    if any(step.is_open for step in left):
        named.resolve(0)
        return left
    return open_next(left, now, named)


def open_next(steps: Steps, now: datetime, named: Communes) -> Steps:
    """Open the next step, with all of its parallel group."""
    following = next_group(steps)
    unnamed = sum(not step.agency for step in following)
    communes = named.resolve(unnamed)
    for step in following:
        opened = replace(step, status=StepStatus.OPEN, opened_at=now)
        steps = replaced(steps, opened if step.agency else _seated(opened, next(communes)))
    return steps


def next_group(steps: Steps) -> Steps:
    """Find the steps that open next: the first that waits, with all that share its parallel group."""
    waiting = [step for step in steps if step.status is StepStatus.WAITING]
    if not waiting:
        return ()
    first = waiting[0]
    return tuple(step for step in waiting if together(step, first))


def previous_group(steps: Steps) -> Steps:
    """Find the steps that were completed last before those that are open now: one, or a whole parallel group."""
    opened = next((step for step in steps if step.is_open), None)
    if opened is None:
        return ()
    before = [step for step in steps if step.no < opened.no and not together(step, opened)]
    return tuple(step for step in before if together(step, before[-1]))


def together(one: Step, other: Step) -> bool:
    """Tell whether two steps open together: they are one, or of one parallel group."""
    return one.no == other.no or (one.group != "" and one.group == other.group)


def send_back(steps: Steps, to: Step, holder: str | None, now: datetime) -> Steps:
    """Open a completed step again, in this officer's hands; what follows its parallel group waits again.

    Every stay that this ends is kept: no step gets back the time that it has used (C10).
    """
    return tuple(_sent_back(step, to, holder, now) for step in steps)


def _sent_back(step: Step, to: Step, holder: str | None, now: datetime) -> Step:
    if step.no == to.no:
        return replace(_left(step, now), status=StepStatus.OPEN, holder=holder, opened_at=now)
    if step.no < to.no or together(step, to) or step.opened_at is None:
        return step
    return replace(_left(step, now), status=StepStatus.WAITING, opened_at=None)


def _left(step: Step, now: datetime) -> Step:
    """Leave a step, whether it was open or complete: nobody holds it, and its stay is one of the earlier ones."""
    if step.opened_at is None:
        raise ValueError("the dossier was never at that step")
    stay = Stay(step.opened_at, step.completed_at or now)
    return replace(step, holder=None, taken=False, completed_at=None, earlier=(*step.earlier, stay))


def start_again(steps: Steps, now: datetime) -> Steps:
    """Open the first steps after acceptance anew, as if nothing had been done; no step gets back its time (C8, C10)."""
    accepted, *others = steps
    waiting = tuple(
        step if step.opened_at is None else replace(_left(step, now), status=StepStatus.WAITING, opened_at=None)
        for step in others
    )
    first = next_group(waiting)
    opened = tuple(replace(step, status=StepStatus.OPEN, opened_at=now) if step in first else step for step in waiting)
    return (accepted, *opened)


def finish_taken_back(steps: Steps, finished_at: datetime, now: datetime) -> Steps:
    """Let open steps go on from now: while the dossier was finished nobody owed it anything (C10, C11)."""
    return tuple(
        replace(step, opened_at=now, earlier=(*step.earlier, Stay(step.opened_at, max(step.opened_at, finished_at))))
        if step.is_open and step.opened_at is not None
        else step
        for step in steps
    )


def replaced(steps: Steps, changed: Step) -> Steps:
    """Return the steps with one of them changed."""
    return tuple(changed if step.no == changed.no else step for step in steps)


def _seated(step: Step, agency: Seat) -> Step:
    return replace(step, agency=agency.code, agency_path=agency.path)
