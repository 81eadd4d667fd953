"""The table of effects that our consumer and FastStream fill alike: one row for each fact, each once."""

from __future__ import annotations

MAKE_EFFECTS = """
create table metrics.effects (
    id uuid primary key, subject text not null, seq bigint not null, legal_time timestamptz not null
);
grant select, insert on metrics.effects to metrics
"""
ADD_EFFECTS = """
insert into effects (id, subject, seq, legal_time)
select * from unnest($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[])
on conflict (id) do nothing
"""
ADD_EFFECT = """
insert into effects (id, subject, seq, legal_time) values ($1, $2, $3, $4) on conflict (id) do nothing
"""
