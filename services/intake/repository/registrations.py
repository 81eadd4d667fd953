"""SQL of dossiers that begin without being accepted, of the acts on them, and of the list of those that wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.intake.domain.acceptance import Acceptance
from services.intake.domain.filed import Filed
from services.intake.domain.filing import PaperHandedIn
from services.intake.domain.registration import Decision
from services.intake.repository.dossiers import SealedPeople
from shared.contracts.facts import State
from shared.database import Connection, columns
from shared.rulebook.identifiers import DossierCode

ADD_FILED = """
with paper as (
    insert into papers (code, paper_code, originals, certified, photocopies)
    select $1::text, * from unnest($2::text[], $3::integer[], $4::integer[], $5::integer[])
)
insert into dossiers (
    code, place, day, number, state, procedure_code, case_code, area_code, catalogue_version, calendar_version,
    agencies_version, received_path, step_paths, limit_kind, fee_vnd, language, channels, key_id, people,
    citizen_index, phone_index, filed_at, filed_by, applicant_index, secret_hash, reason, closed_at
)
values (
    $1, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, '{}', $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27,
    $28, $29, $30
)
"""


@dataclass(frozen=True, slots=True)
class NewFiled:
    """A dossier to be stored that is not accepted; `officer` is empty where the applicant filed it himself."""

    code: DossierCode
    filed: Filed
    officer: str
    applicant_index: bytes | None
    sealed: SealedPeople
    secret_hash: str


async def add_filed(tx: Connection, new: NewFiled) -> None:
    """Store a registration, or a dossier refused at the desk, with its papers, by one statement."""
    code, filed, sealed = new.code, new.filed, new.sealed
    case, rules, filing = filed.case, filed.rules, filed.filing
    refused = filed.state is State.REFUSED
    await tx.execute(
        ADD_FILED,
        *(str(code), *_paper_columns(filing.papers), code.place, code.day, code.number, filed.state),
        *(case.procedure_code, case.case_code, filing.area_code, rules.catalogue.version, rules.calendar.version),
        *(rules.agencies.version, filed.place.path, case.limit_kind, case.fee_vnd, filing.language),
        *(list(filed.channels), sealed.key_id, sealed.people, sealed.citizen_index, sealed.phone_index, filed.at),
        *(new.officer, new.applicant_index, new.secret_hash, filed.reason, filed.at if refused else None),
    )


def _paper_columns(papers: Sequence[PaperHandedIn]) -> list[list[Any]]:
    return columns(((paper.paper_code, paper.originals, paper.certified, paper.photocopies) for paper in papers), 4)


@dataclass(frozen=True)
class StoredRegistration:
    """A dossier as intake knows it, accepted or not; `people` is still sealed.

    From acceptance on `state` is what processing told last.
    """

    code: str
    place: str
    received_path: str
    state: State
    version: int
    procedure_code: str
    case_code: str
    area_code: str
    catalogue_version: str
    papers_asked: tuple[str, ...]
    reason: str | None
    filed_at: datetime | None
    filed_by: str | None
    applicant_index: bytes | None
    secret_hash: str | None
    accepted_at: datetime | None
    statutory_due: datetime | None
    promised_due: datetime | None
    withdrawal_requested_at: datetime | None
    closed_at: datetime | None
    language: str
    channels: Sequence[str]
    people: bytes
    papers: Mapping[str, PaperHandedIn]


_COLUMNS = {name: name for name in StoredRegistration.__dataclass_fields__ if name != "papers"} | {
    # What was closed before processing's states were noted had its result.
    "state": "coalesce(processing_state, case when accepted_at is null or closed_at is null then state else 9 end)"
}

READ_REGISTRATION = f"""
select {", ".join(f"{column} as {name}" for name, column in _COLUMNS.items())}
from dossiers
where code = $1 and ((received_path || '@' || area_code) ^@ any ($2::text[]) or applicant_index = $3)
"""  # noqa: S608 - names of the dataclass's fields

LOCK_REGISTRATION = f"{READ_REGISTRATION} for update"

PAPERS_OF = """
select paper_code, originals, certified, photocopies from papers where code = $1 order by paper_code
"""


async def read_registration(
    tx: Connection, code: str, paths: Sequence[str], applicant_index: bytes | None, *, lock: bool = False
) -> StoredRegistration | None:
    """Read a dossier that a subtree under one of these paths received or this applicant registered; or lock it too."""
    row = await tx.fetchrow(LOCK_REGISTRATION if lock else READ_REGISTRATION, code, paths, applicant_index)
    if row is None:
        return None
    # A statement of its own: after a wait for the lock, a join would see the dossier new and its papers old.
    papers = [PaperHandedIn(*paper) for paper in await tx.fetch(PAPERS_OF, code)]
    known = {**row, "state": State(row["state"]), "papers_asked": tuple(row["papers_asked"])}
    return StoredRegistration(**known, papers={paper.paper_code: paper for paper in papers})


CHANGE = """
with submitted as (
    insert into papers as p (code, paper_code, originals, certified, photocopies)
    select $1::text, * from unnest($2::text[], $3::integer[], $4::integer[], $5::integer[])
    on conflict (code, paper_code) do update
        set originals = excluded.originals, certified = excluded.certified, photocopies = excluded.photocopies
)
update dossiers set state = case when accepted_at is null then $6 else state end, version = $7, papers_asked = $8,
    reason = $9, closed_at = $10, withdrawal_requested_at = $11
where code = $1
"""

ACCEPT = """
update dossiers set state = $2, version = $3, papers_asked = '{}', calendar_version = $4, agencies_version = $5,
    competent_agency = $6, competent_path = $7, step_paths = $8, accepted_by = $9, accepted_at = $10,
    statutory_due = $11, promised_due = $12
where code = $1
"""


async def save_act(tx: Connection, decision: Decision, subject: str) -> None:
    """Write what an act changed in a dossier that this transaction has locked; `subject` is who acted."""
    after = decision.after
    if decision.acceptance is not None:
        await _accept(tx, decision, decision.acceptance, subject)
        return
    changed = [paper for code, paper in after.papers.items() if decision.before.papers.get(code) is not paper]
    await tx.execute(
        CHANGE,
        *(after.code, *_paper_columns(changed), after.state, after.version, list(after.papers_asked)),
        *(after.reason, after.closed_at, after.withdrawal_requested_at),
    )


async def _accept(tx: Connection, decision: Decision, acceptance: Acceptance, officer: str) -> None:
    after, rules = decision.after, acceptance.rules
    await tx.execute(
        ACCEPT,
        *(after.code, after.state, after.version, rules.calendar.version, rules.agencies.version),
        *(acceptance.competent.code, acceptance.competent.path, list(acceptance.step_paths), officer),
        *(acceptance.accepted_at, acceptance.statutory_due, acceptance.promised_due),
    )


WAITING = """
select w.* from unnest($1::text[]) as place (path) cross join lateral (
    select code, version, procedure_code, case_code, catalogue_version, filed_at, papers_asked
    from dossiers
    where state = 1 and received_path = split_part(place.path, '@', 1) and (filed_at, code) > ($2, $3)
        and split_part(place.path, '@', 2) in ('', area_code)
    order by filed_at, code
    limit $4
) as w
order by w.filed_at, w.code
limit $4
"""


@dataclass(frozen=True)
class WaitingRegistration:
    """One line of a desk's list."""

    code: str
    version: int
    procedure_code: str
    case_code: str
    catalogue_version: str
    filed_at: datetime
    papers_asked: Sequence[str]


async def waiting_registrations(
    tx: Connection, paths: Sequence[str], after: tuple[datetime, str], limit: int
) -> list[WaitingRegistration]:
    """List registrations that wait at the places of exactly these paths, or there in one area, oldest first."""
    return [WaitingRegistration(**row) for row in await tx.fetch(WAITING, paths, *after, limit)]
