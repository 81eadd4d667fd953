"""Dossiers that begin without being accepted: registered online (state 1), or refused at the desk (state 3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.intake.domain.attempts import Attempt, Rules, attempt, channels_of, known_area, not_of_list, people_of
from services.intake.domain.filing import Filing, People
from services.intake.domain.refusals import Refused
from shared.contracts.facts import Channel, State
from shared.rulebook.agencies import Agency
from shared.rulebook.catalogue import Case


@dataclass(frozen=True, slots=True)
class Filed:
    """A dossier that is not accepted, but for its code: no limit runs and nobody but its place has a part in it."""

    state: State
    case: Case
    rules: Rules
    place: Agency
    filing: Filing
    people: People
    channels: tuple[Channel, ...]
    at: datetime
    reason: str | None = None


def register_online(filing: Filing, place_code: str, rules: Rules, at: datetime) -> Filed:
    """Decide about a filing that comes online. Its papers may still be incomplete. Raises Refused."""
    tried = attempt("register_online", filing, place_code, rules, at)
    known_area(tried)
    return _filed(tried, State.REGISTERED)


def refuse_at_desk(filing: Filing, reason: str | None, place_code: str, rules: Rules, at: datetime) -> Filed:
    """Refuse a filing over the counter, whatever its place, procedure or area would allow. Raises Refused."""
    tried = attempt("refuse_at_desk", filing, place_code, rules, at, reason=reason)
    return _filed(tried, State.REFUSED)


def _filed(tried: Attempt, state: State) -> Filed:
    if faults := list(not_of_list(tried.case, tried.filing.papers)):
        raise Refused("papers_of_pinned_list", *faults)
    people = people_of(tried.filing, tried.at.date())
    return Filed(
        state=state,
        case=tried.case,
        rules=tried.rules,
        place=tried.rules.agencies.get(tried.place_code),
        filing=tried.filing,
        people=people,
        channels=channels_of(tried.filing, people.applicant),
        at=tried.at,
        reason=tried.reason,
    )
