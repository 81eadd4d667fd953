"""Acts that stop the legal clock and let it go on: supplements, payments and excluded periods (C6–C8, C13)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.processing.domain.cases import Case
from services.processing.domain.changing import Means, acted, said_by, step_of
from services.processing.domain.clock import applicants_limit, halted, restated, with_halt
from services.processing.domain.halts import Halt, Proposal
from services.processing.domain.progress import start_again
from services.processing.domain.situations import Situation
from shared.contracts import facts
from shared.rulebook.bases import basis_of
from shared.rulebook.calendar import local
from shared.rulebook.moves import Clock, Move
from shared.rulebook.pauses import PauseKind


def _paused(seen: Situation, case: Case, halt: Halt) -> dict[str, Any]:
    return {
        **said_by(seen, case),
        "basis": halt.basis,
        "statutory_due": local(case.statutory_due) if case.statutory_paused_since is None else None,
        "promised_due": local(case.promised_due) if case.promised_paused_since is None else None,
    }


def _goes_on(seen: Situation, case: Case) -> dict[str, Any]:
    return {
        **said_by(seen, case),
        "statutory_due": local(case.statutory_due),
        "promised_due": local(case.promised_due),
    }


def _begun(seen: Situation, kind: PauseKind, **details: Any) -> Halt:
    case, officer = seen.case, seen.officer
    basis = basis_of(kind, local(seen.now).date()).code
    no = len(case.halts) + 1
    return Halt(no, kind, seen.now, case.state, officer.agency, officer.subject, basis, **details)


def _ask(
    seen: Situation, move: Move, means: Means, papers: tuple[str, ...], proposed_by: str
) -> tuple[Case, facts.DossierFact]:
    kind = means.kind_of(seen.case)
    limit_at = applicants_limit(kind, means.calendar, seen.now)
    halt = _begun(seen, PauseKind.SUPPLEMENT, papers=papers, missing=papers, limit_at=limit_at)
    case = restated(halted(acted(seen.case, move, proposal=None), halt), kind, *means.calendars)
    return case, facts.SupplementRequested(
        **_paused(seen, case, halt),
        procedure_code=case.procedure_code,
        case_code=case.case_code,
        number=case.supplements,
        papers=papers,
        limit_at=limit_at,
        policy=kind.supplement_policy,
        proposed_by=proposed_by,
    )


def request_supplement(seen: Situation, move: Move, means: Means) -> tuple[Case, facts.DossierFact]:
    """Ask the applicant for papers, once and in full."""
    return _ask(seen, move, means, seen.act.papers, "")


def propose_supplement(seen: Situation, move: Move, _means: Means) -> tuple[Case, facts.DossierFact]:
    """Propose to ask again: a leader decides. A newer proposal takes the place of one that waits."""
    proposal = Proposal(seen.act.papers, seen.officer.agency, seen.officer.subject, seen.now)
    case = acted(seen.case, move, proposal=proposal)
    number = case.supplements + 1
    return case, facts.SupplementProposed(**said_by(seen, case), number=number, papers=proposal.papers)


def approve_supplement(seen: Situation, move: Move, means: Means) -> tuple[Case, facts.DossierFact]:
    """Ask again, as was proposed; it is counted in public."""
    proposal = seen.case.proposal
    if proposal is None:
        raise ValueError("only what was proposed is approved")
    return _ask(seen, move, means, proposal.papers, proposal.officer)


def receive_supplement(seen: Situation, move: Move, means: Means) -> tuple[Case, facts.DossierFact]:
    """Confirm that everything has arrived: the clock goes on, or runs again from the arrival, at the first step."""
    halt = _last(seen, PauseKind.SUPPLEMENT)
    if halt.ends_at is None:
        raise ValueError("only a supplement that is complete is received")
    restarts = move.clock is Clock.RESTARTS
    case = with_halt(acted(seen.case, move), replace(halt, ended_by=seen.officer.subject))
    if restarts:
        case = replace(case, steps=start_again(case.steps, seen.now))
    case = restated(case, means.kind_of(case), *means.calendars)
    return case, facts.SupplementReceived(
        **_goes_on(seen, case),
        number=case.supplements,
        asked_at=local(halt.begins_at),
        arrived_at=local(halt.ends_at),
        restarted=restarts,
    )


def demand_payment(seen: Situation, move: Move, means: Means) -> tuple[Case, facts.DossierFact]:
    """Demand what the applicant owes by law."""
    kind, amount = means.kind_of(seen.case), seen.act.amount_vnd
    if amount is None:
        raise ValueError("a demand names its amount")
    limit_at = applicants_limit(kind, means.calendar, seen.now)
    halt = _begun(seen, PauseKind.PAYMENT, amount_vnd=amount, limit_at=limit_at)
    case = restated(halted(acted(seen.case, move), halt), kind, *means.calendars)
    return case, facts.PaymentDemanded(**_paused(seen, case, halt), amount_vnd=amount, limit_at=limit_at)


def record_payment(seen: Situation, move: Move, means: Means) -> tuple[Case, facts.DossierFact]:
    """Record that what was demanded has been paid in full."""
    halt = _last(seen, PauseKind.PAYMENT)
    case = _ended(seen, move, means, halt)
    return case, facts.PaymentRecorded(
        **_goes_on(seen, case), amount_vnd=seen.act.amount_vnd or 0, demanded_at=local(halt.begins_at)
    )


def pause(seen: Situation, move: Move, means: Means) -> tuple[Case, facts.DossierFact]:
    """Begin the excluded period that the open step is."""
    step = step_of(seen)
    halt = _begun(seen, PauseKind(step.period), step_no=step.no)
    case = restated(halted(acted(seen.case, move), halt), means.kind_of(seen.case), *means.calendars)
    return case, facts.ClockPaused(**_paused(seen, case, halt), step_no=step.no, period=facts.Period(step.period))


def resume(seen: Situation, move: Move, means: Means) -> tuple[Case, facts.DossierFact]:
    """End the excluded period; its step is still to be passed on."""
    halt = seen.case.open_period
    if halt is None:
        raise ValueError("only a period that is open is ended")
    case = _ended(seen, move, means, halt)
    return case, facts.ClockResumed(
        **_goes_on(seen, case),
        step_no=halt.step_no,
        period=facts.Period(halt.kind),
        paused_at=local(halt.begins_at),
    )


def _ended(seen: Situation, move: Move, means: Means, halt: Halt) -> Case:
    ended = replace(halt, ends_at=max(halt.begins_at, seen.now), ended_by=seen.officer.subject)
    case = with_halt(acted(seen.case, move), ended)
    return restated(case, means.kind_of(case), *means.calendars)


def _last(seen: Situation, kind: PauseKind) -> Halt:
    halt = seen.case.last_halt(kind)
    if halt is None:
        raise ValueError(f"no {kind} was ever begun")
    return halt
