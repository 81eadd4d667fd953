"""What officers' acts change: one statement writes it for every dossier of a batch; registers of results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from services.processing.domain.cases import Ask, Case, Step
from services.processing.domain.duties import Duty, duties
from services.processing.domain.timers import Alarms
from services.processing.domain.workflow import Decision
from services.processing.repository.clockwork import set_timers
from services.processing.repository.halting import save_standing
from services.processing.repository.rows import duty_row, stays_text
from shared.database import Connection, columns

Row: TypeAlias = tuple[object, ...]

DRAW_NUMBERS = """
insert into registers as register (agency, year, last_number)
select agency, $3, wanted from unnest($1::text[], $2::bigint[]) as w (agency, wanted) order by agency
on conflict (agency, year) do update set last_number = register.last_number + excluded.last_number
returning agency, last_number
"""


async def draw_numbers(tx: Connection, wanted: Mapping[str, int], year: int) -> dict[str, Iterator[int]]:
    """Draw the next so many numbers of each agency's register; a transaction that is rolled back gives them back."""
    rows = await tx.fetch(DRAW_NUMBERS, list(wanted), list(wanted.values()), year)
    lasts = {row["agency"]: row["last_number"] for row in rows}
    return {agency: iter(range(lasts[agency] - count + 1, lasts[agency] + 1)) for agency, count in wanted.items()}


SAVE_ACTS = """
with moved as (
    update cases set state = m.state, version = m.version, result_number = m.result_number,
        finished_at = m.finished_at, handed_over_at = m.handed_over_at, apologised_at = m.apologised_at,
        reappointed_to = m.reappointed_to, finished_late_at = m.finished_late_at, corrected_at = m.corrected_at,
        ask_count = m.ask_count, parts = string_to_array(m.parts, ','), statutory_due = m.statutory_due,
        promised_due = m.promised_due, statutory_paused_since = m.statutory_paused_since,
        promised_paused_since = m.promised_paused_since, draft_opened_at = m.draft_opened_at,
        withdrawal_requested_at = m.withdrawal_requested_at, closed_at = m.closed_at, halt_count = m.halt_count,
        calendar_version = m.calendar_version, statutory_calendar = m.statutory_calendar
    from unnest(
        $1::text[], $2::smallint[], $3::bigint[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[],
        $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::bigint[], $12::text[], $13::timestamptz[],
        $14::timestamptz[], $15::timestamptz[], $16::timestamptz[], $17::timestamptz[], $18::timestamptz[],
        $19::timestamptz[], $20::bigint[], $21::text[], $22::text[]
    ) as m (
        code, state, version, result_number, finished_at, handed_over_at, apologised_at, reappointed_to,
        finished_late_at, corrected_at, ask_count, parts, statutory_due, promised_due, statutory_paused_since,
        promised_paused_since, draft_opened_at, withdrawal_requested_at, closed_at, halt_count,
        calendar_version, statutory_calendar
    )
    where cases.code = m.code
), stepped as (
    update steps set agency = s.agency, agency_path = s.agency_path, status = s.status, holder = s.holder,
        taken = s.taken, opened_at = s.opened_at, completed_at = s.completed_at, earlier = s.earlier::tstzmultirange
    from unnest(
        $23::text[], $24::bigint[], $25::text[], $26::text[], $27::text[], $28::text[], $29::boolean[],
        $30::timestamptz[], $31::timestamptz[], $32::text[]
    ) as s (code, step_no, agency, agency_path, status, holder, taken, opened_at, completed_at, earlier)
    where steps.code = s.code and steps.step_no = s.step_no
), asked as (
    insert into asks (code, ask_no, step_no, agency, agency_path, asked_by, asked_at, answered_by, answered_at)
    select * from unnest(
        $33::text[], $34::bigint[], $35::bigint[], $36::text[], $37::text[], $38::text[], $39::timestamptz[],
        $40::text[], $41::timestamptz[]
    )
    on conflict (code, ask_no) do update set answered_by = excluded.answered_by, answered_at = excluded.answered_at
), settled as (
    delete from duties using unnest($42::text[], $43::bigint[], $44::text[], $45::text[])
        as d (code, step_no, action, agency)
    where duties.code = d.code and duties.step_no = d.step_no and duties.action = d.action and duties.agency = d.agency
), owed as (
    insert into duties (
        code, promised_due, step_no, action, agency, role, move, step_agency, step_role, holder, taken, step_code, clock
    )
    select * from unnest(
        $46::text[], $47::timestamptz[], $48::bigint[], $49::text[], $50::text[], $51::text[], $52::text[], $53::text[],
        $54::text[], $55::text[], $56::boolean[], $57::text[], $58::text[]
    )
    on conflict (code, step_no, action, agency) do update set
        holder = excluded.holder, taken = excluded.taken, promised_due = excluded.promised_due, clock = excluded.clock
)
delete from timers using unnest($59::text[], $60::text[]) as t (code, kind)
where timers.code = t.code and timers.kind = t.kind
"""


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows that acts change, table by table, in the order of the statement's parameters."""

    moved: list[Row] = field(default_factory=list)
    stepped: list[Row] = field(default_factory=list)
    asked: list[Row] = field(default_factory=list)
    settled: list[Row] = field(default_factory=list)
    owed: list[Row] = field(default_factory=list)

    def columns(self) -> list[list[Any]]:
        """Turn them into the statement's parameters."""
        tables = (self.moved, 22), (self.stepped, 10), (self.asked, 9), (self.settled, 4), (self.owed, 13)
        return [column for rows, width in tables for column in columns(rows, width)]

    def add(self, decision: Decision) -> tuple[Duty, ...]:
        """Add what one act changed; answer what is owed now."""
        case, before = decision.after, decision.before
        owed_before, owed_now = duties(before), duties(case)
        kept = set(map(_key, owed_now))
        self.moved.append(_case_row(case))
        self.stepped.extend(
            _step_row(case.code, step) for step, was in zip(case.steps, before.steps, strict=True) if step is not was
        )
        self.asked.extend((case.code, *_ask_row(ask)) for ask in case.asks if ask not in before.asks)
        self.settled.extend((case.code, *_key(duty)) for duty in owed_before if _key(duty) not in kept)
        moved = (case.promised_due, case.clock) != (before.promised_due, before.clock)
        self.owed.extend(duty_row(case, duty) for duty in owed_now if moved or duty not in owed_before)
        return owed_now


async def save_acts(
    tx: Connection, decisions: Sequence[Decision], alarms: Sequence[tuple[str, Alarms]]
) -> list[tuple[Duty, ...]]:
    """Write what acts or facts changed, each in another dossier; answer what is owed now in each."""
    rows = _Rows()
    owed = [rows.add(decision) for decision in decisions]
    dropped = [(code, kind) for code, each in alarms for kind in each.dropped]
    await tx.execute(SAVE_ACTS, *rows.columns(), *columns(dropped, 2))
    await save_standing(tx, [(decision.before, decision.after) for decision in decisions])
    if fresh := [(code, timer) for code, each in alarms for timer in each.set]:
        await set_timers(tx, fresh)
    return owed


def _key(duty: Duty) -> tuple[int, str, str]:
    return duty.step_no, duty.action, duty.agency


def _case_row(case: Case) -> Row:
    return (
        *(case.code, case.state, case.version, case.result_number, case.finished_at, case.handed_over_at),
        *(case.apologised_at, case.reappointed_to, case.finished_late_at, case.corrected_at),
        *(len(case.asks), ",".join(case.parts), case.statutory_due, case.promised_due, case.statutory_paused_since),
        *(case.promised_paused_since, case.draft_opened_at, case.withdrawal_requested_at, case.closed_at),
        *(len(case.halts), case.calendar_version, case.statutory_calendar),
    )


def _step_row(code: str, step: Step) -> Row:
    return (
        *(code, step.no, step.agency, step.agency_path, step.status, step.holder, step.taken, step.opened_at),
        *(step.completed_at, stays_text(step)),
    )


def _ask_row(ask: Ask) -> Row:
    return (
        *(ask.no, ask.step_no, ask.agency, ask.agency_path, ask.asked_by, ask.asked_at),
        *(ask.answered_by, ask.answered_at),
    )
