"""Who may sign a rule version off, and what he has to have seen: a leader of the province, the very version planned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from services.intake.domain.refusals import ConditionNotMet, NotAllowed
from shared.rulebook.agencies import Agencies, AgencyKind, UnknownAgency
from shared.rulebook.rule_files.drawing import Drawn


@dataclass(frozen=True, slots=True)
class SignedOff:
    """A file that somebody signed off: the version that it was laid over, and the one that it made then."""

    text: str
    based_on: str
    version: str
    officer: str
    agency: str


def check_signer(agency: str, agencies: Agencies, today: date) -> None:
    """Refuse everybody but the province's own people. Raises NotAllowed."""
    try:
        found = agencies.get(agency)
    except UnknownAgency:
        found = None
    if found is None or not found.in_force(today) or found.kind is not AgencyKind.PROVINCE:
        raise NotAllowed("province_signs", detail="A leader of the province signs a change of the rules off.")


def check_base(signed: SignedOff, current: str) -> None:
    """Refuse what was planned over another version than the one in force. Raises ConditionNotMet."""
    if signed.based_on != current:
        raise ConditionNotMet("rules_changed", detail="Another version was published meanwhile: plan the file anew.")


def check_drawn(signed: SignedOff, drawn: Drawn) -> None:
    """Refuse where the file makes another version than the one that was signed off. Raises ConditionNotMet."""
    if signed.version != drawn.version:
        raise ConditionNotMet("rules_differ", detail="The file makes another version than was planned: plan it anew.")
