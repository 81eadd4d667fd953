-- Exact daily counters, and of each dossier only the moments by which it is judged. No personal data.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

create table places (
    code text primary key,
    path text not null,
    name_vi text not null,
    name_en text not null,
    sort_key text not null,
    receives boolean not null,
    valid_from date not null,
    valid_to date
);
comment on table places is 'agencies of the versions in force; sort_key is the Vietnamese dictionary order of name_vi';

create table place_versions (
    version text primary key
);
comment on table place_versions is 'agencies versions whose agencies stand in places';

create table dossiers (
    code text primary key,
    place text not null,
    received_path text not null,
    field text not null,
    accepted_at timestamptz,
    promised_due timestamptz,
    finished_at timestamptz,
    apologised_at timestamptz,
    constraint accepted_with_its_due_moment check ((accepted_at is null) = (promised_due is null))
);
comment on table dossiers is 'the moments by which a dossier is judged (C11), folded from facts';

create index dossiers_open on dossiers (promised_due) where accepted_at is not null and finished_at is null;

create table daily_counters (
    day date not null,
    place text not null,
    field text not null,
    figure text not null,
    number bigint not null,
    primary key (day, place, field, figure),
    constraint never_below_zero check (number >= 0)
);
comment on table daily_counters is 'how many dossiers, by legal day; written in the transaction that moves the cursors';

create table daily_notices (
    day date not null,
    place text not null,
    channel text not null,
    outcome text not null,
    number bigint not null,
    primary key (day, place, channel, outcome),
    constraint notices_never_below_zero check (number >= 0)
);
comment on table daily_notices is 'how many messages to citizens, by legal day, channel and outcome';

create table export_leases (
    name text primary key,
    holder text not null,
    expires_at timestamptz not null
);
comment on table export_leases is 'which process exports the domain figures (machine time): two never double a sum';
