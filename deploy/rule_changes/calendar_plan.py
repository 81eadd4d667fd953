"""What a dispatch would do to the open dossiers, worked out by the very function that processing applies it with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from deploy.provision.database import Connection
from deploy.rule_changes.in_force import Published
from services.notification.repository.figures import read_moments_told
from services.processing.domain.cases import Case
from services.processing.domain.reissuing import Applied, Checked, Fate, LimitMoved, check
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
    """What becomes of each open dossier.

    `told` are those whose citizens know the date that would move, `told_limits` those who know their own limit.
    """

    based_on: str
    version: str
    at: datetime
    checked: tuple[Checked, ...]
    told: frozenset[str] = frozenset()
    told_limits: frozenset[str] = frozenset()

    def of(self, fate: Fate) -> tuple[Checked, ...]:
        """The dossiers that a fate meets, by code."""
        return tuple(each for each in self.checked if each.fate is fate)

    @property
    def moved(self) -> tuple[Checked, ...]:
        """The dossiers that would get another date."""
        return self.of(Fate.MOVED)

    @property
    def limited(self) -> tuple[tuple[Checked, LimitMoved], ...]:
        """The dossiers whose applicants would have longer to bring papers, or to pay."""
        return tuple((each, each.limit) for each in self.checked if each.limit is not None)

    @property
    def foretold(self) -> frozenset[str]:
        """The dossiers of which anything would move."""
        return frozenset(each.before.code for each in (*self.moved, *(each for each, _ in self.limited)))

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


async def with_told(tx: Connection, plan: Plan) -> Plan:
    """Add whose citizens were told what would move, from notification's tables."""
    promised = {each.before.code: each.before.promised_due for each in plan.moved if each.promise_moved}
    limits = {each.before.code: limit.previous for each, limit in plan.limited}
    return replace(
        plan, told=await _told(tx, promised, "promised_due"), told_limits=await _told(tx, limits, "limit_at")
    )


async def _told(tx: Connection, moments: Mapping[str, datetime], name: str) -> frozenset[str]:
    told = await read_moments_told(tx, list(moments), name)
    return frozenset(code for code, moment in told if moment == moments[code])


def plan_data(plan: Plan) -> dict[str, Any]:
    """Say a plan as JSON has it."""
    return {
        "based_on": plan.based_on,
        "version": plan.version,
        "as_of": local(plan.at).isoformat(),
        "open": plan.open,
        "moved": [_moved(each, told=each.before.code in plan.told) for each in plan.moved],
        "limits_moved": [
            _limited(each.before, limit, told=each.before.code in plan.told_limits) for each, limit in plan.limited
        ],
        **{fate.value: [each.before.code for each in plan.of(fate)] for fate in LISTED},
        Fate.UNTOUCHED.value: len(plan.of(Fate.UNTOUCHED)),
    }


LISTED = (Fate.KEPT, Fate.PAUSED, Fate.LATE, Fate.UNRECKONED)
"""Fates whose dossiers are named one by one beside those that move."""


def _moved(each: Checked, *, told: bool) -> Mapping[str, Any]:
    before, after = each.before, each.after
    return {
        **_named(before),
        "promised_due": _span(before, after, "promised_due"),
        "statutory_due": _span(before, after, "statutory_due"),
        "told": told,
    }


def _limited(case: Case, limit: LimitMoved, *, told: bool) -> Mapping[str, Any]:
    return {
        **_named(case),
        "limit": limit.halt.kind.value,
        "limit_at": {"from": limit.previous.isoformat(), "to": limit.limit_at.isoformat()},
        "told": told,
    }


def _named(case: Case) -> Mapping[str, str]:
    return {name: getattr(case, name) for name in ("code", "received_by", "procedure_code", "case_code")}


def _span(before: Case, after: Case, name: str) -> dict[str, str]:
    return {"from": local(getattr(before, name)).isoformat(), "to": local(getattr(after, name)).isoformat()}
