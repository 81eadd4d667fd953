"""People of a new dossier under a data key of its own, and the contact that is stated of them, sealed too."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime

from services.intake.domain.filing import Filing, People, Person
from services.intake.repository.dossiers import SealedPeople
from shared.contracts.facts import Channel, ContactStated
from shared.contracts.topics import CONTACTS
from shared.messaging.journal import Draft
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


@dataclass(frozen=True, slots=True)
class UnderSeal:
    """What is kept and stated of the people of one dossier: `key` is its code and its wrapped data key."""

    key: tuple[str, bytes]
    people: SealedPeople
    stated: Draft
    secret_hash: str


@dataclass(frozen=True, slots=True)
class Applied:
    """Who applies, how he is to be told, when (legal time), and in which trace."""

    filing: Filing
    people: People
    channels: tuple[Channel, ...]
    at: datetime
    trace_parent: str


def seal_people(kek: KeyEncryptionKey, code: str, applied: Applied) -> UnderSeal:
    """Seal the people of a dossier under a new key; his tracking secret is known to the applicant alone."""
    data_key, secret = new_data_key(), secrets.token_urlsafe(TRACKING_SECRET_BYTES)
    contact = _seal_contact(data_key, code, applied.people.applicant, secret)
    stated = Draft(
        topic=CONTACTS.name,
        subject=code,
        fact=ContactStated(language=applied.filing.language, channels=applied.channels, sealed=contact),
        legal_time=applied.at,
        trace_parent=applied.trace_parent,
    )
    people = _seal_document(kek, data_key, code, applied.people)
    return UnderSeal((code, kek.wrap_key(data_key)), people, stated, tracking_secret_hash(secret))


def _seal_document(kek: KeyEncryptionKey, data_key: bytes, code: str, people: People) -> SealedPeople:
    applicant = people.applicant
    document = people.model_dump_json().encode()
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
