"""How rows become cases and cases become the columns of set-based statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, NamedTuple

import asyncpg

from services.processing.domain.cases import Ask, Case, Stay, Step, StepStatus
from services.processing.domain.duties import Duty
from services.processing.domain.halts import Halt, Proposal
from shared.contracts.facts import State
from shared.rulebook.calendar import local
from shared.rulebook.catalogue import StepMove
from shared.rulebook.seats import OfficerRole

APART = frozenset({"steps", "asks", "halts", "proposal"})
"""What of a case has tables of its own."""
CASE_FIELDS = tuple(field.name for field in fields(Case) if field.name not in APART)
CASE_COLUMNS = ", ".join(f"c.{name}" for name in (*CASE_FIELDS, "ask_count", "halt_count"))
STEP_COLUMNS = (
    "step_no, step_code, move, agency, agency_path, officer_role, parallel_group, "
    "status, holder, taken, opened_at, completed_at, earlier, period"
)


class Standing(NamedTuple):
    """Pauses of a dossier and a proposal that waits: few have any."""

    halts: tuple[Halt, ...] = ()
    proposal: Proposal | None = None


NOTHING_STANDS = Standing()


def case_of(row: asyncpg.Record, steps: tuple[Step, ...], asks: tuple[Ask, ...], standing: Standing) -> Case:
    """Read a case; due moments come back in the legal zone, so that facts carry them as intake wrote them."""
    values = {name: row[name] for name in CASE_FIELDS}
    values["state"] = State(values["state"])
    for name in ("accepted_at", "statutory_due", "promised_due"):
        values[name] = local(values[name])
    return Case(**values, steps=steps, asks=asks, halts=standing.halts, proposal=standing.proposal)


def step_of(row: asyncpg.Record) -> Step:
    """Read a step."""
    return Step(
        no=row["step_no"],
        code=row["step_code"],
        move=StepMove(row["move"]),
        agency=row["agency"],
        agency_path=row["agency_path"],
        role=OfficerRole(row["officer_role"]),
        group=row["parallel_group"],
        status=StepStatus(row["status"]),
        holder=row["holder"],
        taken=row["taken"],
        opened_at=row["opened_at"],
        completed_at=row["completed_at"],
        earlier=tuple(Stay(span.lower, span.upper) for span in row["earlier"]),
        period=row["period"],
    )


def stays_text(step: Step) -> str:
    """Write the earlier stays of a step as a multirange: lists of its spans would be taken for arrays of arrays."""
    return "{" + ",".join(f"[{stay.opened_at.isoformat()},{stay.left_at.isoformat()})" for stay in step.earlier) + "}"


def duty_row(case: Case, duty: Duty) -> tuple[Any, ...]:
    """Write a duty as the columns of `duties`, in their order."""
    step = case.step(duty.step_no)
    return (
        *(case.code, case.promised_due, duty.step_no, duty.action, duty.agency, duty.role),
        *(duty.move, duty.step_agency, duty.step_role, duty.holder, duty.taken),
        *("" if step is None else step.code, case.clock),
    )


def by_code(rows: Iterable[asyncpg.Record]) -> Mapping[str, list[asyncpg.Record]]:
    """Group rows by their dossier, keeping their order."""
    found: defaultdict[str, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        found[row["code"]].append(row)
    return found
