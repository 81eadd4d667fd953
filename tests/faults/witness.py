"""The witness in the database: it writes down every move of a cursor and every notice, in the order of their happening.

It stands in a schema of the trial, beside the services' own; their migrations know nothing of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from deploy.local.services import SERVICES

MADE = """
create schema witness;
create table witness.moves (
    ordinal bigint generated always as identity,
    service text not null,
    deed text not null,
    topic text,
    source text,
    subject text,
    was bigint,
    seq bigint,
    xid xid8 not null,
    at timestamptz not null default clock_timestamp()
);
create table witness.effects (
    ordinal bigint generated always as identity,
    service text not null,
    fact_id uuid not null,
    xid xid8 not null
);
create function witness.note_move() returns trigger language plpgsql security definer as $$
begin
    insert into witness.moves (service, deed, topic, source, subject, was, seq, xid) values (
        tg_table_schema, lower(tg_op), coalesce(new.topic, old.topic), coalesce(new.source, old.source),
        coalesce(new.subject, old.subject), old.seq, new.seq, pg_current_xact_id()
    );
    return null;
end
$$;
create function witness.note_effect() returns trigger language plpgsql security definer as $$
begin
    insert into witness.effects (service, fact_id, xid) values (tg_table_schema, new.fact_id, pg_current_xact_id());
    return null;
end
$$;
create trigger witness_effects after insert on notification.notices
    for each row execute function witness.note_effect();
"""
WATCHED = """
create trigger witness_moves after insert or update or delete on {service}.cursors
    for each row execute function witness.note_move();
create trigger witness_wipes after truncate on {service}.cursors
    for each statement execute function witness.note_move();
"""
SEEN = {
    "moves": "select ordinal, service, deed, topic, source, subject, was, seq, xid::text,"
    " floor(extract(epoch from at) * 1000)::bigint as at from witness.moves where ordinal > $1 order by ordinal",
    "effects": "select ordinal, service, fact_id::text, xid::text"
    " from witness.effects where ordinal > $1 order by ordinal",
}
"""History → how it is read on. A cursor's row lock lies around its move: ordinals of one stream are in its order."""


async def call(dsn: str) -> None:
    """Let the witness look at every reader's cursors, before any service runs."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(MADE + "".join(WATCHED.format(service=service) for service in SERVICES))
    finally:
        await connection.close()


class Notebook:
    """What was read of the witness so far; read it when all is quiet, for a late commit has an early ordinal."""

    def __init__(self) -> None:
        self._read = dict.fromkeys(SEEN, 0)

    async def news(self, connection: Any) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Yield what was not read yet, each with the history that it belongs to."""
        for history, query in SEEN.items():
            for row in await connection.fetch(query, self._read[history]):
                self._read[history] = row["ordinal"]
                yield history, dict(row)
