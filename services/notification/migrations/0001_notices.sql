-- What citizens are told. No personal data in clear: people stand only in `sealed`, ciphertext under the data key of
-- their dossier. Moments named wake_at and wait_until are machine time, all others legal time.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

create table dossiers (
    code text not null,
    received_path text not null,
    competent_path text not null,
    constraint dossiers_pkey primary key (code)
);
comment on table dossiers is 'by which paths an officer may see the notices of a dossier';

create table contacts (
    code text not null,
    language text not null,
    channels text [] not null,
    sealed bytea not null,
    constraint contacts_pkey primary key (code)
);
comment on table contacts is 'how to reach the applicant, as intake stated it last';

-- One notice for each fact that is told; its messages, one for each channel, follow when the contact is known.
create table notices (
    fact_id uuid not null,
    code text not null,
    template text not null,
    parameters jsonb not null,
    trace_parent text not null,
    state text not null,
    asked_at timestamptz not null,
    wait_until timestamptz not null,
    constraint notices_pkey primary key (fact_id),
    constraint notices_state check (state in ('awaiting_contact', 'addressed', 'unreachable'))
);
comment on column notices.parameters is 'what the text shows of the fact; nothing about people';
create index notices_waiting on notices (wait_until) where state = 'awaiting_contact';
create index notices_of_dossier on notices (code);

create table messages (
    id uuid not null,
    fact_id uuid not null,
    channel text not null,
    language text not null,
    sealed bytea not null,
    state text not null,
    reason text,
    attempts integer not null,
    wake_at timestamptz,
    handed_over_at timestamptz,
    unknown_at timestamptz,
    changed_at timestamptz not null,
    constraint messages_pkey primary key (id),
    constraint messages_of_a_notice foreign key (fact_id) references notices (fact_id),
    constraint messages_state check (state in ('queued', 'sending', 'handed_over', 'delivered', 'failed', 'unknown')),
    constraint messages_failed_for_a_reason check ((state = 'failed') = (reason is not null)),
    constraint messages_in_work_wake_up check (state not in ('queued', 'sending') or wake_at is not null),
    constraint messages_at_their_end_rest check (state not in ('handed_over', 'delivered', 'failed') or wake_at is null)
) with (fillfactor = 70);
comment on column messages.wake_at is 'when somebody must look again: next attempt, or end of the lease; null: never';
create index messages_awake on messages (wake_at) where wake_at is not null;
create index messages_of_notice on messages (fact_id);
