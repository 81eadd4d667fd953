-- Messaging's tables, made once in the schema of every service (names are unqualified: the search path decides).

create function refuse_change() returns trigger
language plpgsql as $$
begin
    raise exception '% on %: a recorded fact is never changed', tg_op, tg_table_name
        using errcode = 'restrict_violation';
end
$$;

-- History, audit chain and outbox in one. Sequence and hash chain are per (topic, subject); a journal has one source.
create table journal (
    topic text not null,
    subject text not null,
    seq bigint not null,
    id uuid not null,
    type text not null,
    source text not null,
    legal_time timestamptz not null,
    recorded_at timestamptz not null,
    partition_key text not null,
    headers text not null,
    trace_parent text not null,
    body bytea not null,
    previous_hash bytea not null,
    hash bytea not null,
    constraint journal_pkey primary key (topic, subject, seq, recorded_at),
    constraint journal_seq_positive check (seq > 0)
) partition by range (recorded_at);
comment on table journal is 'append-only: every fact this service published, with its hash chain; never dropped';

-- A row trigger is cloned to every partition, later ones too; TRUNCATE knows statement triggers only, which are not.
create trigger journal_keeps_rows before update or delete on journal
    for each row execute function refuse_change();
create trigger journal_keeps_all before truncate on journal
    for each statement execute function refuse_change();

create table journal_default partition of journal default;
create trigger journal_keeps_all before truncate on journal_default
    for each statement execute function refuse_change();

-- Makes the partition of one month (UTC) unless it is there; returns its name.
create function add_journal_partition(month date) returns text
language plpgsql as $$
declare
    starts timestamp := date_trunc('month', month::timestamp);
    name text := 'journal_' || to_char(starts, 'YYYYMM');
begin
    if to_regclass(quote_ident(current_schema()) || '.' || name) is null then
        execute format(
            'create table %I partition of journal for values from (%L) to (%L)',
            name, starts at time zone 'UTC', (starts + interval '1 month') at time zone 'UTC'
        );
        execute format(
            'create trigger journal_keeps_all before truncate on %I for each statement execute function refuse_change()',
            name
        );
    end if;
    return name;
end
$$;

-- The last fact of each chain; its row lock makes the sequence gap-free.
create table journal_heads (
    topic text not null,
    subject text not null,
    seq bigint not null,
    hash bytea not null,
    constraint journal_heads_pkey primary key (topic, subject)
) with (fillfactor = 70);

-- What the relay has still to publish, in the order of recording within each subject.
create table unsent (
    ordinal bigint generated always as identity,
    shard smallint not null,
    topic text not null,
    subject text not null,
    seq bigint not null,
    recorded_at timestamptz not null,
    constraint unsent_pkey primary key (ordinal)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

create table relay_leases (
    shard smallint not null,
    holder text not null,
    epoch bigint not null,
    expires_at timestamptz not null,
    constraint relay_leases_pkey primary key (shard)
);

-- How far this service has applied each stream of facts.
create table cursors (
    subject text not null,
    source text not null,
    topic text not null,
    seq bigint not null,
    constraint cursors_pkey primary key (subject, source, topic)
) with (fillfactor = 70);

-- Facts that wait: for a human (poison, undecodable, unpublishable), for the fact before them (gap), or for a parked
-- fact of their own subject (behind). Headers are a JSON list of pairs; bytes that are no UTF-8 are escaped.
create table parked (
    id bigint generated always as identity,
    kind text not null,
    topic text not null,
    subject text,
    source text,
    seq bigint,
    type text,
    partition integer,
    "offset" bigint,
    headers text not null,
    value bytea,
    reason text not null,
    attempts integer not null,
    parked_at timestamptz not null,
    statutory_due timestamptz,
    promised_due timestamptz,
    constraint parked_pkey primary key (id),
    constraint parked_kind check (kind in ('poison', 'behind', 'gap', 'undecodable', 'unpublishable')),
    constraint parked_names_its_fact check (
        kind = 'undecodable' or (subject is not null and source is not null and seq is not null and type is not null)
    )
);
create unique index parked_fact on parked (topic, subject, source, seq) where subject is not null;
create unique index parked_place on parked (topic, partition, "offset") where subject is null;

-- Answers to requests that publish facts, kept to be given again.
create table idempotency_keys (
    caller text not null,
    key text not null,
    request_hash bytea not null,
    recorded_at timestamptz not null default clock_timestamp(),
    status smallint,
    headers text,
    body bytea,
    constraint idempotency_keys_pkey primary key (caller, key)
);
