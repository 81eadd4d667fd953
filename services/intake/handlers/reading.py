"""Read a dossier with its people: only by those who may, and never without a line in the audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.intake.domain.filing import People
from services.intake.repository import dossiers
from services.intake.repository.dossiers import Reader, StoredDossier
from services.intake.repository.registrations import StoredRegistration, read_registration
from shared.auth import Principal
from shared.clocks import machine_now
from shared.database import Connection
from shared.observability import current_trace_id
from shared.sealing import KeyringReader, Purpose, associated_data, open_sealed


class ServicePurpose(StrEnum):
    """What another service may ask the people of a dossier for; closed list."""

    SLIP = "slip"
    NOTICE = "notice"


OFFICIAL_DUTY = "official_duty"
"""Purpose of an officer who opens a dossier of his own subtree."""


@dataclass(frozen=True)
class OpenDossier:
    """An accepted dossier as a reader gets it; `people` is None when their data key was erased."""

    dossier: StoredDossier
    people: People | None


@dataclass(frozen=True)
class OpenRegistration:
    """A dossier as it was registered or refused; `people` is None for the applicant, or when their key was erased."""

    registration: StoredRegistration
    people: People | None
    people_erased: bool


async def read_for_officer(
    tx: Connection, keyring: KeyringReader, code: str, *, officer: Principal, paths: Sequence[str]
) -> OpenDossier | None:
    """Open an accepted dossier for an officer whose agency has these paths; None when there is none that he may see."""
    dossier = await dossiers.read_visible_dossier(tx, code, paths)
    if dossier is None:
        return None
    return OpenDossier(dossier, await _opened(tx, keyring, code, dossier.people, caller=officer, purpose=OFFICIAL_DUTY))


async def read_registration_for_officer(
    tx: Connection, keyring: KeyringReader, code: str, *, officer: Principal, paths: Sequence[str]
) -> OpenRegistration | None:
    """Open a dossier of a place under these paths, accepted or not; None when there is none that he may see."""
    found = await read_registration(tx, code, paths, None)
    if found is None:
        return None
    people = await _opened(tx, keyring, code, found.people, caller=officer, purpose=OFFICIAL_DUTY)
    return OpenRegistration(found, people, people_erased=people is None)


async def read_registration_for_applicant(tx: Connection, code: str, applicant_index: bytes) -> OpenRegistration | None:
    """Show a citizen what he registered himself, without the people: what he wrote he knows; None for any other."""
    found = await read_registration(tx, code, (), applicant_index)
    return None if found is None else OpenRegistration(found, None, people_erased=False)


@dataclass(frozen=True)
class OpenPeople:
    """The people of a dossier; None when their data key was erased."""

    people: People | None


async def read_for_service(
    tx: Connection, keyring: KeyringReader, code: str, *, service: Principal, purpose: ServicePurpose
) -> OpenPeople | None:
    """Open the people of any dossier for another service; None when there is no such dossier."""
    sealed = await dossiers.read_people(tx, code)
    if sealed is None:
        return None
    return OpenPeople(await _opened(tx, keyring, code, sealed, caller=service, purpose=purpose))


async def _opened(
    tx: Connection, keyring: KeyringReader, code: str, sealed: bytes, *, caller: Principal, purpose: str
) -> People | None:
    reader = Reader(caller.subject, caller.role, caller.agency, purpose)
    await dossiers.add_read(tx, code, reader, read_at=machine_now(), trace_id=current_trace_id())
    key = await keyring.data_key(code, tx)
    if key is None:
        return None
    return People.model_validate_json(open_sealed(key, sealed, associated_data(code, Purpose.PEOPLE)))
