"""Read a dossier with its people: only by those who may, and never without a line in the audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.intake import repository
from services.intake.domain.filing import People
from services.intake.repository import Reader, StoredDossier
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
    """A dossier as a reader gets it; `people` is None when their data key was erased."""

    dossier: StoredDossier
    people: People | None


async def read_for_officer(
    tx: Connection, keyring: KeyringReader, code: str, *, officer: Principal, paths: Sequence[str]
) -> OpenDossier | None:
    """Open a dossier for an officer whose agency has these paths; None when there is none that he may see."""
    dossier = await repository.read_visible_dossier(tx, code, paths)
    return await _opened(tx, keyring, dossier, officer, OFFICIAL_DUTY)


async def read_for_service(
    tx: Connection, keyring: KeyringReader, code: str, *, service: Principal, purpose: ServicePurpose
) -> OpenDossier | None:
    """Open a dossier for another service; None when there is none."""
    dossier = await repository.read_dossier(tx, code)
    return await _opened(tx, keyring, dossier, service, purpose)


async def _opened(
    tx: Connection, keyring: KeyringReader, dossier: StoredDossier | None, caller: Principal, purpose: str
) -> OpenDossier | None:
    if dossier is None:
        return None
    reader = Reader(caller.subject, caller.role, caller.agency, purpose)
    await repository.add_read(tx, dossier.code, reader, read_at=machine_now(), trace_id=current_trace_id())
    key = await keyring.data_key(dossier.code, tx)
    if key is None:
        return OpenDossier(dossier, None)
    document = open_sealed(key, dossier.people, associated_data(dossier.code, Purpose.PEOPLE))
    return OpenDossier(dossier, People.model_validate_json(document))
