-- A promised limit may be paused, and a dossier closed without a result: what is due is then what processing said last.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

alter table dossiers add column restated boolean not null default false;
comment on column dossiers.restated is 'whether processing has said the due moment since acceptance, or that there is none';
alter table dossiers add column paused boolean not null default false;
comment on column dossiers.paused is 'the promised limit is paused: nothing is due (C6)';
alter table dossiers add column closed_at timestamptz;
comment on column dossiers.closed_at is 'withdrawn, stopped or refused after a limit (C15)';
-- No release has this table yet: no older process relies on it.
-- squawk-ignore ban-drop-constraint
alter table dossiers drop constraint accepted_with_its_due_moment;
-- No release has this table yet: nobody waits for the scan.
-- squawk-ignore constraint-missing-not-valid
alter table dossiers add constraint due_unless_paused check (accepted_at is null or promised_due is not null or paused);

create table repeated_supplements (
    code text not null,
    request_no bigint not null,
    requested_at timestamptz not null,
    constraint repeated_supplements_pkey primary key (code, request_no),
    constraint repeated_supplements_of_a_dossier foreign key (code) references dossiers (code)
);
comment on table repeated_supplements is 'when papers were asked for again after acceptance, the first request left out';
