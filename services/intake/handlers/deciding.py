"""Acts at the place of reception: lock the dossier, decide, save, tell; all in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.intake.domain.attempts import Rules
from services.intake.domain.refusals import UnknownDossier
from services.intake.domain.registration import Act, Actor, Decision, Registration, decide
from services.intake.handlers.accepting import Desk, accepted_fact
from services.intake.handlers.filing import actor_of, applicant_index
from services.intake.repository.registrations import StoredRegistration, read_registration, save_act
from shared.auth import Principal
from shared.contracts.facts import (
    DossierRefused,
    Fact,
    PapersReceived,
    PapersRequested,
    RegistrationWithdrawn,
    WithdrawalRequested,
)
from shared.contracts.topics import LIFECYCLE
from shared.database import Connection
from shared.messaging.journal import Draft


@dataclass(frozen=True, slots=True)
class Wanted:
    """An act that somebody wants on the version of a dossier that he saw; these paths are an officer's agency's."""

    code: str
    act: Act
    caller: Principal
    paths: tuple[str, ...]
    seen_version: int
    trace_parent: str


@dataclass(frozen=True, slots=True)
class Performed:
    """An act that took effect, and the type of its fact."""

    decision: Decision
    fact_type: str


async def perform(tx: Connection, desk: Desk, wanted: Wanted) -> Performed:
    """Perform one act on a dossier. Raises Refused, CalendarYearMissing; nothing is changed then."""
    own = applicant_index(desk.kek, wanted.caller)
    stored = await read_registration(tx, wanted.code, wanted.paths, own, lock=True)
    if stored is None:
        raise UnknownDossier
    now = desk.clock.now()  # under the lock: an act that had to wait for another is no earlier
    rules = desk.rules_pinned(stored.catalogue_version)
    actor = Actor(wanted.caller.role, wanted.paths, own=own is not None and own == stored.applicant_index)
    registration = registration_of(stored, rules)
    decision = decide(registration, wanted.act, actor, seen_version=wanted.seen_version, rules=rules, now=now)
    draft = _draft(decision, stored, wanted, rules, now)
    await save_act(tx, decision, wanted.caller.subject)
    await desk.journal.append(tx, [draft])
    return Performed(decision, draft.fact.TYPE)


def registration_of(stored: StoredRegistration, rules: Rules) -> Registration:
    """Say what is stored in the domain's words, with the case of the catalogue that it is pinned to."""
    return Registration(
        code=stored.code,
        place=stored.place,
        received_path=stored.received_path,
        state=stored.state,
        version=stored.version,
        case=rules.catalogue.case(stored.procedure_code, stored.case_code),
        area_code=stored.area_code,
        papers=stored.papers,
        papers_asked=stored.papers_asked,
        reason=stored.reason,
        closed_at=stored.closed_at,
        withdrawal_requested_at=stored.withdrawal_requested_at,
    )


def _draft(decision: Decision, stored: StoredRegistration, wanted: Wanted, rules: Rules, now: datetime) -> Draft:
    if decision.acceptance is not None:
        return accepted_fact(stored.code, decision.acceptance, stored.secret_hash or "", wanted.trace_parent)
    by, officer = actor_of(wanted.caller)
    common = {
        "catalogue_version": rules.catalogue.version,
        "calendar_version": rules.calendar.version,
        "received_by": stored.place,
        "by": by,
        "officer": officer,
    }
    fact = FACTS[decision.act.action](decision, rules, common)
    return Draft(LIFECYCLE.name, stored.code, fact, now, trace_parent=wanted.trace_parent)


def _named(decision: Decision) -> tuple[str, ...]:
    return tuple(paper.paper_code for paper in decision.act.papers)


def _asked(decision: Decision, _rules: Rules, common: Mapping[str, Any]) -> Fact:
    case = decision.after.case
    return PapersRequested(
        **common, procedure_code=case.procedure_code, case_code=case.case_code, papers=_named(decision)
    )


def _received(decision: Decision, _rules: Rules, common: Mapping[str, Any]) -> Fact:
    return PapersReceived(**common, papers=_named(decision), missing=decision.after.papers_asked)


def _refused(decision: Decision, rules: Rules, common: Mapping[str, Any]) -> Fact:
    registration = decision.after
    return DossierRefused(
        **common,
        agencies_version=rules.agencies.version,
        received_path=registration.received_path,
        procedure_code=registration.case.procedure_code,
        case_code=registration.case.case_code,
        field=registration.case.field,
        reason=registration.reason or "",
    )


def _withdrawn(_decision: Decision, _rules: Rules, common: Mapping[str, Any]) -> Fact:
    return RegistrationWithdrawn(**common)


def _withdrawal_requested(_decision: Decision, _rules: Rules, common: Mapping[str, Any]) -> Fact:
    return WithdrawalRequested(**common)


FACTS: Mapping[str, Callable[[Decision, Rules, Mapping[str, Any]], Fact]] = {
    "ask_papers": _asked,
    "submit_papers": _received,
    "refuse": _refused,
    "withdraw": _withdrawn,
    "request_withdrawal": _withdrawal_requested,
}
"""Action → the fact that tells of it; `accept` begins what processing goes on with, by `accepted_fact`."""
