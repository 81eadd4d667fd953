"""Accept a dossier at a desk: one transaction from the number to the facts."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime

from services.intake import repository
from services.intake.domain.acceptance import Acceptance, Rules, accept
from services.intake.domain.filing import Filing, Person
from services.intake.repository import SealedPeople
from shared.auth import Principal
from shared.clocks import LegalClock, machine_now
from shared.contracts.facts import ContactStated, DossierAccepted
from shared.contracts.topics import CONTACTS, LIFECYCLE, PROMISED_DUE_HEADER, STATUTORY_DUE_HEADER
from shared.database import Connection
from shared.keyring.repository import add_key
from shared.messaging.journal import Draft, Journal
from shared.messaging.rules import RuleStore
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


async def accept_at_desk(tx: Connection, desk: Desk, officer: Principal, filing: Filing) -> tuple[str, Acceptance]:
    """Accept a filing at the officer's place; the dossier's code and what was decided.

    Writes the dossier, its papers, its data key and both facts, or nothing. Raises Refused, Unready,
    CalendarYearMissing.
    """
    acceptance = accept(filing, officer.agency, desk.rules_in_force(), desk.clock.now())
    day = acceptance.accepted_at.date()
    code = DossierCode(officer.agency, day, await repository.next_number(tx, officer.agency, day))
    data_key, secret = new_data_key(), secrets.token_urlsafe(TRACKING_SECRET_BYTES)
    await add_key(tx, str(code), wrapped_key=desk.kek.wrap_key(data_key), key_id=desk.kek.id, created_at=machine_now())
    sealed = _seal_people(desk.kek, data_key, str(code), acceptance)
    await repository.add_dossier(tx, code, acceptance, filing, officer=officer.subject, sealed=sealed)
    contact = _seal_contact(data_key, str(code), acceptance.people.applicant, secret)
    drafts = [
        _accepted(str(code), acceptance, filing, tracking_secret_hash(secret)),
        Draft(
            topic=CONTACTS.name,
            subject=str(code),
            fact=ContactStated(language=filing.language, channels=acceptance.channels, sealed=contact),
            legal_time=acceptance.accepted_at,
        ),
    ]
    await desk.journal.append(tx, drafts)
    return str(code), acceptance


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


def _accepted(code: str, acceptance: Acceptance, filing: Filing, secret_hash: str) -> Draft:
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
        area_code=filing.area_code,
        limit_kind=case.limit_kind,
        statutory_due=acceptance.statutory_due,
        promised_due=acceptance.promised_due,
        tracking_secret_hash=secret_hash,
    )
    headers = {
        STATUTORY_DUE_HEADER: _moment(acceptance.statutory_due),
        PROMISED_DUE_HEADER: _moment(acceptance.promised_due),
    }
    return Draft(topic=LIFECYCLE.name, subject=code, fact=fact, legal_time=acceptance.accepted_at, headers=headers)


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
