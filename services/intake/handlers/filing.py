"""Register a dossier that comes online, or refuse one at the desk: each takes the next number of its place and day."""

from __future__ import annotations

from dataclasses import dataclass

from services.intake.domain import filed as deciding
from services.intake.domain.filed import Filed
from services.intake.domain.filing import Filing
from services.intake.handlers.accepting import Desk
from services.intake.handlers.sealing import Applied, seal_people
from services.intake.repository.dossiers import next_numbers
from services.intake.repository.registrations import NewFiled, add_filed
from shared.auth import Principal
from shared.clocks import machine_now
from shared.contracts.facts import DossierRefused, DossierRegistered, Filer, State
from shared.contracts.topics import LIFECYCLE
from shared.database import Connection
from shared.keyring.repository import add_keys
from shared.messaging.journal import Draft
from shared.roles import Role
from shared.rulebook.identifiers import DossierCode
from shared.sealing import KeyEncryptionKey


@dataclass(frozen=True, slots=True)
class ToFile:
    """A filing at a place, by its desk or by the applicant himself; with a reason it is one to be refused."""

    caller: Principal
    place: str
    filing: Filing
    trace_parent: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class FiledUnder:
    """A dossier that was registered or refused, under its code."""

    code: DossierCode
    filed: Filed


def applicant_index(kek: KeyEncryptionKey, caller: Principal) -> bytes | None:
    """Say how a citizen's registrations are found: by his token's subject, which is stored nowhere in clear."""
    return kek.blind_index("subject", caller.subject) if caller.role is Role.CITIZEN else None


def actor_of(caller: Principal) -> tuple[Filer, str]:
    """Say who acts as facts do: an officer by his name, a citizen by none."""
    return (Filer.CITIZEN, "") if caller.role is Role.CITIZEN else (Filer.DESK, caller.subject)


async def register_online(tx: Connection, desk: Desk, wanted: ToFile) -> FiledUnder:
    """Register a dossier. Raises Refused, Unready."""
    now = desk.clock.now()
    rules = desk.rules_in_force(now)
    return await _file(tx, desk, wanted, deciding.register_online(wanted.filing, wanted.place, rules, now))


async def refuse_at_desk(tx: Connection, desk: Desk, wanted: ToFile) -> FiledUnder:
    """Refuse a filing over the counter; it is kept with its reason. Raises Refused, Unready."""
    now = desk.clock.now()
    rules = desk.rules_in_force(now)
    return await _file(
        tx, desk, wanted, deciding.refuse_at_desk(wanted.filing, wanted.reason, wanted.place, rules, now)
    )


async def _file(tx: Connection, desk: Desk, wanted: ToFile, filed: Filed) -> FiledUnder:
    place, day = filed.place.code, filed.at.date()
    numbers = await next_numbers(tx, {place: 1}, day)
    code = DossierCode(place, day, next(numbers[place]))
    applied = Applied(wanted.filing, filed.people, filed.channels, filed.at, wanted.trace_parent)
    sealed = seal_people(desk.kek, str(code), applied)
    _, officer = actor_of(wanted.caller)
    applicant = applicant_index(desk.kek, wanted.caller)
    await add_filed(tx, NewFiled(code, filed, officer, applicant, sealed.people, sealed.secret_hash))
    await add_keys(tx, [sealed.key], key_id=desk.kek.id, created_at=machine_now())
    await desk.journal.append(tx, [_fact(str(code), filed, wanted), sealed.stated])
    return FiledUnder(code, filed)


def _fact(code: str, filed: Filed, wanted: ToFile) -> Draft:
    by, officer = actor_of(wanted.caller)
    common = {
        "catalogue_version": filed.rules.catalogue.version,
        "calendar_version": filed.rules.calendar.version,
        "agencies_version": filed.rules.agencies.version,
        "received_by": filed.place.code,
        "received_path": filed.place.path,
        "by": by,
        "officer": officer,
        "procedure_code": filed.case.procedure_code,
        "case_code": filed.case.case_code,
        "field": filed.case.field,
    }
    fact = (
        DossierRefused(**common, reason=filed.reason)
        if filed.state is State.REFUSED
        else DossierRegistered(**common, area_code=filed.filing.area_code)
    )
    return Draft(LIFECYCLE.name, code, fact, filed.at, trace_parent=wanted.trace_parent)
