"""Accept dossiers at desks: one transaction from the numbers to the facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.intake.domain.acceptance import Acceptance, AcceptedFiling, accept
from services.intake.domain.attempts import Rules
from services.intake.domain.backdating import ReceivedEarlier, check_reach
from services.intake.domain.filing import Filing
from services.intake.domain.refusals import Refused
from services.intake.handlers.backdating import Approvals, Recorded
from services.intake.handlers.sealing import Applied, seal_people
from services.intake.repository import dossiers
from services.intake.repository.dossiers import NewDossier
from shared.auth import Principal
from shared.clocks import LegalClock, machine_now
from shared.contracts.facts import DossierAccepted
from shared.contracts.topics import LIFECYCLE, PROMISED_DUE_HEADER, STATUTORY_DUE_HEADER
from shared.database import Connection
from shared.keyring.repository import add_keys
from shared.messaging.journal import Draft, Journal
from shared.messaging.rules import RuleStore
from shared.rulebook.calendar import CalendarYearMissing, local
from shared.rulebook.identifiers import DossierCode
from shared.sealing import KeyEncryptionKey


@dataclass(frozen=True)
class Desk:
    """What taking dossiers in needs: intake's journal, the rules, legal time, the key above the data keys."""

    journal: Journal
    rules: RuleStore
    clock: LegalClock
    kek: KeyEncryptionKey

    def rules_in_force(self, at: datetime) -> Rules:
        """Return the rules that dossiers are taken in under at a legal moment. Raises Unready."""
        rules = self.rules
        return Rules(rules.catalogue_on(local(at).date()), rules.current_calendar(), rules.current_agencies())

    def rules_pinned(self, catalogue_version: str) -> Rules:
        """Return a catalogue version with the calendar and the agencies in force. Raises Unready."""
        rules = self.rules
        return Rules(rules.catalogue(catalogue_version), rules.current_calendar(), rules.current_agencies())


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A filing over the counter of an officer's place; `earlier` where it was received before it is recorded (C14)."""

    officer: Principal
    filing: Filing
    trace_parent: str
    earlier: ReceivedEarlier | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A dossier that was accepted, under its code."""

    code: DossierCode
    acceptance: Acceptance


Outcome = Accepted | Refused | CalendarYearMissing


async def accept_at_desk(tx: Connection, desk: Desk, handed_in: Sequence[HandedIn]) -> list[Outcome]:
    """Accept filings, each at its officer's place: dossiers, papers, data keys and facts; nothing of one refused.

    Numbers of a place and day are drawn for accepted ones only, in the order of the filings. Raises Unready.
    """
    now = desk.clock.now()
    rules = desk.rules_in_force(now)
    earlier = [(each.officer.agency, each.earlier) for each in handed_in if each.earlier is not None]
    approvals = await Approvals.named(tx, earlier)
    judged = [_judge(each, desk, rules, approvals, now) for each in handed_in]
    places = Counter(each.acceptance.place.code for each in judged if isinstance(each, AcceptedFiling))
    numbers = await dossiers.next_numbers(tx, places, now.date()) if places else {}
    outcomes: list[Outcome] = []
    entries: list[_Entry] = []
    for each, found in zip(handed_in, judged, strict=True):
        if not isinstance(found, AcceptedFiling):
            outcomes.append(found)
            continue
        place = found.acceptance.place.code
        accepted = Accepted(DossierCode(place, now.date(), next(numbers[place])), found.acceptance)
        outcomes.append(accepted)
        if each.earlier is not None:
            approvals.used[each.earlier.approval] = str(accepted.code)
        entries.append(_Entry.of(desk.kek, each, found, accepted.code))
    if entries:
        await dossiers.add_dossiers(tx, [entry.dossier for entry in entries])
        # After the dossiers: who may add a key goes by who sees its dossier.
        await add_keys(tx, [entry.key for entry in entries], key_id=desk.kek.id, created_at=machine_now())
        await desk.journal.append(tx, [draft for entry in entries for draft in entry.drafts])
        await approvals.save(tx)
    return outcomes


def _judge(
    handed_in: HandedIn, desk: Desk, rules: Rules, approvals: Approvals, now: datetime
) -> AcceptedFiling | Refused | CalendarYearMissing:
    officer, said = handed_in.officer, handed_in.earlier
    try:
        if said is None:
            return accept(handed_in.filing, officer.agency, rules, now)
        check_reach(said.received_at, now, rules.calendar.of(officer.agency), pointer="/backdating/received_at")
        said = replace(said, received_at=local(said.received_at))
        then = desk.rules_in_force(said.received_at)
        return approvals.accept(said, handed_in.filing, then, Recorded(officer.subject, officer.agency, now))
    except (Refused, CalendarYearMissing) as refused:
        return refused


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is written for one accepted dossier; its people are sealed under a data key of its own."""

    key: tuple[str, bytes]
    dossier: NewDossier
    drafts: tuple[Draft, Draft]

    @classmethod
    def of(cls, kek: KeyEncryptionKey, handed_in: HandedIn, accepted: AcceptedFiling, code: DossierCode) -> _Entry:
        acceptance, filing, trace = accepted.acceptance, handed_in.filing, handed_in.trace_parent
        applied = Applied(filing, accepted.people, accepted.channels, acceptance.accepted_at, trace)
        sealed = seal_people(kek, str(code), applied)
        fact = accepted_fact(str(code), acceptance, sealed.secret_hash, trace)
        dossier = NewDossier(code, acceptance, filing, accepted.channels, handed_in.officer.subject, sealed.people)
        return cls(sealed.key, dossier, (fact, sealed.stated))


def accepted_fact(code: str, acceptance: Acceptance, secret_hash: str, trace_parent: str) -> Draft:
    """Say that a dossier was accepted, with which decision everything after begins."""
    case, rules = acceptance.case, acceptance.rules
    fact = DossierAccepted(
        catalogue_version=rules.catalogue.version,
        calendar_version=rules.calendar.version,
        agencies_version=rules.agencies.version,
        procedure_code=case.procedure_code,
        case_code=case.case_code,
        field=case.field,
        received_by=acceptance.place.code,
        received_path=acceptance.place.path,
        competent_agency=acceptance.competent.code,
        competent_path=acceptance.competent.path,
        area_code=acceptance.area_code,
        limit_kind=case.limit_kind,
        statutory_due=acceptance.statutory_due,
        promised_due=acceptance.promised_due,
        tracking_secret_hash=secret_hash,
        backdating=acceptance.backdating,
        filed_online=acceptance.filed_online,
    )
    headers = {
        STATUTORY_DUE_HEADER: _moment(acceptance.statutory_due),
        PROMISED_DUE_HEADER: _moment(acceptance.promised_due),
    }
    return Draft(
        topic=LIFECYCLE.name,
        subject=code,
        fact=fact,
        legal_time=acceptance.accepted_at,
        headers=headers,
        trace_parent=trace_parent,
    )


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
