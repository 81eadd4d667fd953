-- Records that an operator gave up: bytes that are no fact, as they were parked, and why they went.
create table dropped (
    id bigint not null,
    topic text not null,
    partition integer,
    "offset" bigint,
    headers text not null,
    value bytea,
    reason text not null,
    parked_at timestamptz not null,
    dropped_at timestamptz not null,
    dropped_by text not null,
    why text not null,
    constraint dropped_pkey primary key (id),
    constraint dropped_says_why check (why <> '')
);
comment on table dropped is 'append-only: undecodable records that an operator took out of the parking table';

create trigger dropped_keeps_rows before update or delete on dropped
    for each row execute function refuse_change();
create trigger dropped_keeps_all before truncate on dropped
    for each statement execute function refuse_change();
