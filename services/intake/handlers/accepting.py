"""Accept dossiers at desks: one transaction from the numbers to the facts."""

from __future__ import annotations

import base64
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.intake import repository
from services.intake.domain.acceptance import Acceptance, Refused, Rules, accept
from services.intake.domain.filing import Filing, Person
from services.intake.repository import NewDossier, SealedPeople
from shared.auth import Principal
from shared.clocks import LegalClock, machine_now
from shared.contracts.facts import ContactStated, DossierAccepted
from shared.contracts.topics import CONTACTS, LIFECYCLE, PROMISED_DUE_HEADER, STATUTORY_DUE_HEADER
from shared.database import Connection
from shared.keyring.repository import add_keys
from shared.messaging.journal import Draft, Journal
from shared.messaging.rules import RuleStore
from shared.rulebook.calendar import CalendarYearMissing
from shared.rulebook.identifiers import DossierCode
from shared.sealing import (
    Contact,
    KeyEncryptionKey,
    Purpose,
    associated_data,
    new_data_key,
    seal,
    tracking_secret_hash,
)

TRACKING_SECRET_BYTES = 16


@dataclass(frozen=True)
class Desk:
    """What accepting needs: the journal of intake, the rules in force, legal time, the key above the data keys."""

    journal: Journal
    rules: RuleStore
    clock: LegalClock
    kek: KeyEncryptionKey

    def rules_in_force(self) -> Rules:
        """Return the rules that were published last. Raises Unready."""
        rules = self.rules
        return Rules(rules.current_catalogue(), rules.current_calendar(), rules.current_agencies())


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A filing over the counter of an officer's place."""

    officer: Principal
    filing: Filing
    trace_parent: str


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
    rules, now = desk.rules_in_force(), desk.clock.now()
    judged = [_judge(each, rules, now) for each in handed_in]
    places = Counter(each.place.code for each in judged if isinstance(each, Acceptance))
    numbers = await repository.next_numbers(tx, places, now.date()) if places else {}

    def under_its_code(acceptance: Acceptance) -> Accepted:
        place = acceptance.place.code
        return Accepted(DossierCode(place, now.date(), next(numbers[place])), acceptance)

    outcomes = [under_its_code(each) if isinstance(each, Acceptance) else each for each in judged]
    entries = [
        _Entry.of(desk.kek, each, outcome)
        for each, outcome in zip(handed_in, outcomes, strict=True)
        if isinstance(outcome, Accepted)
    ]
    if entries:
        await repository.add_dossiers(tx, [entry.dossier for entry in entries])
        # After the dossiers: who may add a key goes by who sees its dossier.
        await add_keys(tx, [entry.key for entry in entries], key_id=desk.kek.id, created_at=machine_now())
        await desk.journal.append(tx, [draft for entry in entries for draft in entry.drafts])
    return outcomes


def _judge(handed_in: HandedIn, rules: Rules, now: datetime) -> Acceptance | Refused | CalendarYearMissing:
    try:
        return accept(handed_in.filing, handed_in.officer.agency, rules, now)
    except (Refused, CalendarYearMissing) as refused:
        return refused


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is written for one accepted dossier; its people are sealed under a data key of its own."""

    key: tuple[str, bytes]
    dossier: NewDossier
    drafts: tuple[Draft, Draft]

    @classmethod
    def of(cls, kek: KeyEncryptionKey, handed_in: HandedIn, accepted: Accepted) -> _Entry:
        code, acceptance, filing = str(accepted.code), accepted.acceptance, handed_in.filing
        data_key, secret = new_data_key(), secrets.token_urlsafe(TRACKING_SECRET_BYTES)
        sealed = _seal_people(kek, data_key, code, acceptance)
        contact = _seal_contact(data_key, code, acceptance.people.applicant, secret)
        stated = Draft(
            topic=CONTACTS.name,
            subject=code,
            fact=ContactStated(language=filing.language, channels=acceptance.channels, sealed=contact),
            legal_time=acceptance.accepted_at,
            trace_parent=handed_in.trace_parent,
        )
        return cls(
            key=(code, kek.wrap_key(data_key)),
            dossier=NewDossier(accepted.code, acceptance, filing, handed_in.officer.subject, sealed),
            drafts=(_accepted(code, acceptance, handed_in, tracking_secret_hash(secret)), stated),
        )


def _seal_people(kek: KeyEncryptionKey, data_key: bytes, code: str, acceptance: Acceptance) -> SealedPeople:
    applicant = acceptance.people.applicant
    document = acceptance.people.model_dump_json().encode()
    return SealedPeople(
        people=seal(data_key, document, associated_data(code, Purpose.PEOPLE)),
        citizen_index=kek.blind_index("citizen_number", applicant.citizen_number),
        phone_index=kek.blind_index("phone", applicant.phone) if applicant.phone is not None else None,
        key_id=kek.id,
    )


def _seal_contact(data_key: bytes, code: str, applicant: Person, secret: str) -> str:
    contact = Contact(phone=applicant.phone, email=applicant.email, tracking_secret=secret)
    sealed = seal(data_key, contact.model_dump_json().encode(), associated_data(code, Purpose.CONTACT))
    return base64.b64encode(sealed).decode()


def _accepted(code: str, acceptance: Acceptance, handed_in: HandedIn, secret_hash: str) -> Draft:
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
        area_code=handed_in.filing.area_code,
        limit_kind=case.limit_kind,
        statutory_due=acceptance.statutory_due,
        promised_due=acceptance.promised_due,
        tracking_secret_hash=secret_hash,
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
        trace_parent=handed_in.trace_parent,
    )


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
