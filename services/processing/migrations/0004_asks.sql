-- Another agency may be asked beside the flow; it sees the dossier and has the answer on its worklist.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

create table asks (
    code text not null,
    ask_no bigint not null,
    step_no bigint not null,
    agency text not null,
    agency_path text not null,
    asked_by text not null,
    asked_at timestamptz not null,
    answered_by text,
    answered_at timestamptz,
    constraint asks_pkey primary key (code, ask_no),
    constraint asks_of_a_step foreign key (code, step_no) references steps (code, step_no),
    constraint asks_count_from_one check (ask_no > 0),
    constraint asks_answered_by_somebody check ((answered_by is null) = (answered_at is null)),
    constraint asks_answered_after_asking check (answered_at >= asked_at)
);
comment on table asks is 'questions to other agencies beside the flow: who was asked by whom and when, who answered when';

alter table asks enable row level security;
alter table asks force row level security;
create policy asks_of_processing on asks to processing using (true);
create policy asks_of_callers on asks to processing_api using ((select true from cases where cases.code = asks.code));

alter table cases add column ask_count bigint not null default 0;
comment on column cases.ask_count is 'how many rows of asks it has: where none, none are looked for';

-- Several agencies may owe an answer to the same step. No release has this table yet: no older process can miss the key,
-- and nobody waits for the index.
-- squawk-ignore ban-drop-constraint
alter table duties drop constraint duties_pkey;
-- squawk-ignore constraint-missing-not-valid, adding-serial-primary-key-field
alter table duties add constraint duties_pkey primary key (code, step_no, action, agency);
