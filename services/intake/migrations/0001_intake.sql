-- The last number given by each place on each day: its row lock makes the numbers gap-free.
create table day_numbers (
    place text not null,
    day date not null,
    last_number integer not null,
    constraint day_numbers_pkey primary key (place, day),
    constraint day_numbers_from_one check (last_number between 1 and 999999)
) with (fillfactor = 70);

-- What was taken in, as it was at acceptance. People stand only in `people`, sealed under the dossier's data key.
create table dossiers (
    code text not null,
    place text not null,
    day date not null,
    number integer not null,
    procedure_code text not null,
    case_code text not null,
    area_code text not null,
    catalogue_version text not null,
    calendar_version text not null,
    agencies_version text not null,
    received_path text not null,
    competent_agency text not null,
    competent_path text not null,
    step_paths text [] not null,
    accepted_by text not null,
    accepted_at timestamptz not null,
    limit_kind text not null,
    statutory_due timestamptz not null,
    promised_due timestamptz not null,
    fee_vnd bigint not null,
    language text not null,
    channels text [] not null,
    key_id text not null,
    people bytea not null,
    citizen_index bytea not null,
    phone_index bytea,
    closed_at timestamptz,
    constraint dossiers_pkey primary key (code),
    constraint dossiers_number_once unique (place, day, number)
);
create index dossiers_citizen on dossiers (citizen_index);
create index dossiers_phone on dossiers (phone_index) where phone_index is not null;

create table papers (
    code text not null references dossiers (code),
    paper_code text not null,
    originals integer not null,
    certified integer not null,
    photocopies integer not null,
    constraint papers_pkey primary key (code, paper_code)
);

-- Who read the people of which dossier, as what and for what purpose.
create table reads (
    id bigint generated always as identity,
    code text not null,
    subject text not null,
    role text not null,
    agency text not null,
    purpose text not null,
    read_at timestamptz not null,
    trace_id text not null,
    constraint reads_pkey primary key (id)
);
comment on table reads is 'append-only: every read of a dossier''s people';
create index reads_code on reads (code);
create trigger reads_keep_rows before update or delete on reads
    for each row execute function refuse_change();
create trigger reads_keep_all before truncate on reads
    for each statement execute function refuse_change();
