"""A dossier that was received before it is recorded (C14): what a leader approves, and what a desk may make of it.

Acceptance at an earlier time only ever brings a due moment forward: what was late stays late, and no office gains time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time

from services.intake.domain.refusals import Fault, NotAllowed, Refused
from shared.contracts.facts import Backdating, Evidence
from shared.rulebook.agencies import Agencies
from shared.rulebook.backdating import earliest_day
from shared.rulebook.calendar import ZONE, Calendar, local


@dataclass(frozen=True, slots=True)
class ReceivedEarlier:
    """What a desk says of a filing: when it was received, and by which approval that counts."""

    received_at: datetime
    approval: str


@dataclass(frozen=True, slots=True)
class Approval:
    """A leader's word that one filing at a place counts from an earlier moment; `used_for` is the dossier's code.

    `evidence_no` is the number of the document that shows it, as it stands in the agency's files.
    """

    id: str
    place: str
    place_path: str
    procedure_code: str
    case_code: str
    received_at: datetime
    evidence: Evidence
    evidence_no: str
    approved_by: str
    approving_agency: str
    approved_at: datetime
    used_for: str | None = None


def approve(wanted: Approval, paths: tuple[str, ...], agencies: Agencies, calendar: Calendar) -> Approval:
    """Let a leader approve what was received at a place of his subtree. Raises Refused, CalendarYearMissing."""
    today = wanted.approved_at.date()
    place = agencies.get(wanted.place) if agencies.in_force(wanted.place, today) else None
    if place is None or not place.path.startswith(paths):
        raise NotAllowed("agency_not_allowed", detail="A leader approves for places of his own agency.")
    check_reach(wanted.received_at, wanted.approved_at, calendar, pointer="/received_at")
    return replace(wanted, place_path=place.path, received_at=local(wanted.received_at))


def check_reach(received_at: datetime, recorded_at: datetime, calendar: Calendar, *, pointer: str) -> None:
    """Refuse what is not earlier than its record, or reaches further back than C14 lets it.

    Raises Refused, CalendarYearMissing.
    """
    if received_at >= recorded_at:
        raise _refused("backdating_not_earlier", Fault(pointer, "Leave it out: the dossier counts from now on."))
    # Compared as it was given: a moment at the beginning of all years has no form in our zone.
    earliest = earliest_day(calendar, recorded_at)
    if received_at < datetime.combine(earliest, time(), ZONE):
        bound = Fault(pointer, "It reaches back to {earliest} at most.", {"earliest": earliest})
        raise _refused("backdating_too_far", bound)


def backdated(
    said: ReceivedEarlier, approval: Approval | None, filed: tuple[str, str, str], officer: str, recorded_at: datetime
) -> Backdating:
    """Judge whether somebody approved that a filing counts from an earlier moment. Raises Refused.

    `filed` are its place, procedure and case, `officer` who records it; that it reaches no further back than it may is
    `check_reach`'s.
    """
    if faults := list(_unapproved(said, approval, filed, officer)):
        raise _refused("backdating_not_approved", *faults)
    if approval is None or approval.used_for is not None:
        raise _refused("backdating_used", Fault("/backdating/approval", "Ask the leader for another approval."))
    return Backdating(
        recorded_at=recorded_at,
        evidence=approval.evidence,
        approved_by=approval.approved_by,
        approving_agency=approval.approving_agency,
    )


def _refused(code: str, *faults: Fault) -> Refused:
    return Refused(code, *faults, detail="No earlier moment counts, and nothing was written.")


def _unapproved(
    said: ReceivedEarlier, approval: Approval | None, filed: tuple[str, str, str], officer: str
) -> Iterator[Fault]:
    if approval is None or approval.place != filed[0]:
        yield Fault("/backdating/approval", "A leader of your agency approves it: POST /v1/backdatings.")
        return
    if approval.received_at != said.received_at:
        yield Fault("/backdating/received_at", "Another moment was approved.")
    if (approval.procedure_code, approval.case_code) != filed[1:]:
        yield Fault("/procedure_code", "Another procedure or case was approved.")
    if approval.approved_by == officer:
        yield Fault("/backdating/approval", "Somebody else than who records it approves it.")
