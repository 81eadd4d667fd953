"""SQL of what is asked: dossiers, contacts, notices, and the messages that a contact makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.contracts.facts import Channel, Language
from shared.database import Connection


@dataclass(frozen=True)
class Dossier:
    """Which paths let an officer see a dossier's notices; its area, empty where no fact says it."""

    code: str
    received_path: str
    competent_path: str
    area_code: str = ""


@dataclass(frozen=True)
class Contact:
    """How to reach the applicant of a dossier; `sealed` is ciphertext under its data key."""

    code: str
    language: Language
    channels: tuple[Channel, ...]
    sealed: bytes


@dataclass(frozen=True)
class Asked:
    """A notice that a fact asks for. `asked_at` is legal time."""

    fact_id: UUID
    code: str
    template: str
    parameters: dict[str, str]
    trace_parent: str
    asked_at: datetime


@dataclass(frozen=True)
class Addressed:
    """A notice whose contact is here."""

    fact_id: UUID
    contact: Contact


@dataclass(frozen=True)
class NewMessage:
    """A message that will be sent."""

    id: UUID
    fact_id: UUID
    channel: Channel
    language: Language
    sealed: bytes


SAVE_DOSSIERS = """
insert into dossiers (code, received_path, competent_path, area_code)
select code, received_path, competent_path, area_code from unnest($1::text[], $2::text[], $3::text[], $4::text[])
    as d (code, received_path, competent_path, area_code)
order by code
on conflict (code) do update set received_path = excluded.received_path, competent_path = excluded.competent_path,
    area_code = case when excluded.area_code = '' then dossiers.area_code else excluded.area_code end
"""


DOSSIER_FIELDS = ("code", "received_path", "competent_path", "area_code")


async def save_dossiers(tx: Connection, dossiers: Sequence[Dossier]) -> None:
    """Remember who may see dossiers; the later statement replaces the earlier one."""
    columns = ([getattr(d, name) for d in dossiers] for name in DOSSIER_FIELDS)
    await tx.execute(SAVE_DOSSIERS, *columns)


SAVE_CONTACTS = """
insert into contacts (code, language, channels, sealed)
select code, language, string_to_array(channels, ','), sealed
from unnest($1::text[], $2::text[], $3::text[], $4::bytea[]) as c (code, language, channels, sealed)
order by code
on conflict (code) do update
    set language = excluded.language, channels = excluded.channels, sealed = excluded.sealed
"""


async def save_contacts(tx: Connection, contacts: Sequence[Contact]) -> None:
    """Remember contacts; the later statement replaces the earlier one."""
    await tx.execute(
        SAVE_CONTACTS,
        [contact.code for contact in contacts],
        [contact.language for contact in contacts],
        [",".join(contact.channels) for contact in contacts],
        [contact.sealed for contact in contacts],
    )


ASK = """
insert into notices (fact_id, code, template, parameters, trace_parent, state, asked_at, wait_until)
select fact_id, code, template, parameters::jsonb, trace_parent, 'awaiting_contact', asked_at, $7
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
    as n (fact_id, code, template, parameters, trace_parent, asked_at)
on conflict (fact_id) do nothing
"""


async def ask(tx: Connection, notices: Sequence[Asked], wait_until: datetime) -> None:
    """Record notices that wait for their contact: until a machine moment with patience, then as unreachable."""
    await tx.execute(
        ASK,
        [notice.fact_id for notice in notices],
        [notice.code for notice in notices],
        [notice.template for notice in notices],
        [json.dumps(notice.parameters) for notice in notices],
        [notice.trace_parent for notice in notices],
        [notice.asked_at for notice in notices],
        wait_until,
    )


LOCK_ADDRESSABLE = """
select n.fact_id, c.code, c.language, c.channels, c.sealed
from notices as n
join contacts as c using (code)
where n.state = 'awaiting_contact'
order by n.wait_until, n.fact_id
limit $1
for update of n skip locked
"""


async def lock_addressable(tx: Connection, limit: int) -> list[Addressed]:
    """Lock notices whose contact has come, oldest first; late is better than never."""
    return [
        Addressed(
            row["fact_id"],
            Contact(row["code"], Language(row["language"]), tuple(map(Channel, row["channels"])), row["sealed"]),
        )
        for row in await tx.fetch(LOCK_ADDRESSABLE, limit)
    ]


QUEUE = """
insert into messages (id, fact_id, channel, language, sealed, state, attempts, wake_at, changed_at)
select id, fact_id, channel, language, sealed, 'queued', 0, $6, $7
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[]) as m (id, fact_id, channel, language, sealed)
on conflict (id) do nothing
"""


async def queue(tx: Connection, messages: Sequence[NewMessage], *, wake_at: datetime, changed_at: datetime) -> None:
    """Add messages to be sent from `wake_at` (machine time) on."""
    await tx.execute(
        QUEUE,
        [message.id for message in messages],
        [message.fact_id for message in messages],
        [message.channel for message in messages],
        [message.language for message in messages],
        [message.sealed for message in messages],
        wake_at,
        changed_at,
    )


MARK = """
update notices set state = $2 where fact_id = any($1::uuid[])
"""


async def mark(tx: Connection, fact_ids: Iterable[UUID], state: str) -> None:
    """Move notices that this transaction has locked to a state."""
    await tx.execute(MARK, list(fact_ids), state)
