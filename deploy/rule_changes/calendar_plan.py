"""What a dispatch would do to the open dossiers, worked out by the very function that processing applies it with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from deploy.provision.database import Connection
from deploy.rule_changes.in_force import Published
from services.notification.repository.figures import read_dates_told
from services.processing.domain.cases import Case
from services.processing.domain.reissuing import Applied, Checked, Fate, check
from services.processing.repository.reissuing import Behind
from shared.rulebook.calendar import local
from shared.rulebook.loader import CALENDAR, parse_calendar
from shared.rulebook.rule_files.dispatch import Ground
from shared.rulebook.rule_files.drawing import Drawn, draw_calendar


def draw(text: str, published: Published, now: datetime) -> Drawn:
    """Lay a dispatch over the calendar in force. Raises RuleFileFaulty."""
    ground = Ground(published.calendar, published.agencies, local(now).date())
    return draw_calendar(text, ground, published.numbers[CALENDAR])


@dataclass(frozen=True)
class Plan:
    """What becomes of each open dossier; `told` are those whose citizens know the date that would move."""

    based_on: str
    version: str
    at: datetime
    checked: tuple[Checked, ...]
    told: frozenset[str] = frozenset()

    def with_told(self, told: frozenset[str]) -> Plan:
        """The same plan with whose citizens know their dates."""
        return replace(self, told=told)

    def of(self, fate: Fate) -> tuple[Checked, ...]:
        """The dossiers that a fate meets, by code."""
        return tuple(each for each in self.checked if each.fate is fate)

    @property
    def moved(self) -> tuple[Checked, ...]:
        """The dossiers that would get another date."""
        return self.of(Fate.MOVED)

    @property
    def open(self) -> int:
        """How many dossiers are open."""
        return sum(each.fate is not Fate.OVER for each in self.checked)


def foresee(drawn: Drawn, behind: Iterable[Behind], published: Published, now: datetime) -> Plan:
    """Judge every dossier as if the version were published now."""
    calendar = parse_calendar(drawn.version, drawn.content)

    def checked(each: Behind) -> Checked:
        case = each.case
        kind = case.kind(published.catalogues[case.catalogue_version])
        return check(case, kind, Applied(calendar.of(case.received_by), now), each.unfired)

    return Plan(drawn.based_on, drawn.version, now, tuple(map(checked, behind)))


async def read_told(tx: Connection, moved: Iterable[Checked]) -> frozenset[str]:
    """Find the dossiers of whose promised date somebody was told, from notification's tables."""
    promised = {each.before.code: each.before.promised_due for each in moved if each.promise_moved}
    told = await read_dates_told(tx, list(promised))
    return frozenset(code for code, moment in told if moment == promised[code])


def plan_data(plan: Plan) -> dict[str, Any]:
    """Say a plan as JSON has it."""
    return {
        "based_on": plan.based_on,
        "version": plan.version,
        "as_of": local(plan.at).isoformat(),
        "open": plan.open,
        "moved": [_moved(each, told=each.before.code in plan.told) for each in plan.moved],
        **{fate.value: [each.before.code for each in plan.of(fate)] for fate in LISTED},
        Fate.UNTOUCHED.value: len(plan.of(Fate.UNTOUCHED)),
    }


LISTED = (Fate.KEPT, Fate.PAUSED, Fate.LATE, Fate.UNRECKONED)
"""Fates whose dossiers are named one by one beside those that move."""


def _moved(each: Checked, *, told: bool) -> Mapping[str, Any]:
    before, after = each.before, each.after
    return {
        "code": before.code,
        "received_by": before.received_by,
        "procedure_code": before.procedure_code,
        "case_code": before.case_code,
        "promised_due": _span(before, after, "promised_due"),
        "statutory_due": _span(before, after, "statutory_due"),
        "told": told,
    }


def _span(before: Case, after: Case, name: str) -> dict[str, str]:
    return {"from": local(getattr(before, name)).isoformat(), "to": local(getattr(after, name)).isoformat()}
