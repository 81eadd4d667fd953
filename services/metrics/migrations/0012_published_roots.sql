-- The roots over all heads of each journal, as they were published: digests, and nothing of any dossier.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

create table published_roots (
    ordinal bigint generated always as identity,
    published_at timestamptz not null,
    service text not null,
    chains bigint not null,
    facts bigint not null,
    root text not null,
    constraint published_roots_pkey primary key (ordinal)
);
comment on table published_roots is 'append-only: digests of the journals'' histories, as the public saw them';
create trigger published_roots_keep_rows before update or delete on published_roots
    for each row execute function refuse_change();
create trigger published_roots_keep_all before truncate on published_roots
    for each statement execute function refuse_change();
