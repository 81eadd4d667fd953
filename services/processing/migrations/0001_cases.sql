-- Processing's tables. No table stores lateness or a total: both are read from received, due and finished moments.

create table cases (
    code text not null,
    state bigint not null,
    version bigint not null,
    procedure_code text not null,
    case_code text not null,
    area_code text not null,
    received_by text not null,
    received_path text not null,
    competent_agency text not null,
    competent_path text not null,
    catalogue_version text not null,
    calendar_version text not null,
    agencies_version text not null,
    limit_kind text not null,
    accepted_at timestamptz not null,
    statutory_due timestamptz not null,
    promised_due timestamptz not null,
    result_number text,
    finished_at timestamptz,
    handed_over_at timestamptz,
    draft_opened_at timestamptz,
    apologised_at timestamptz,
    reappointed_to timestamptz,
    tracking_secret_hash bytea not null,
    constraint cases_pkey primary key (code),
    constraint cases_state_known check (state between 2 and 10),
    constraint cases_version_positive check (version > 0),
    constraint cases_due_after_acceptance check (statutory_due >= accepted_at and promised_due >= accepted_at),
    constraint cases_finished_when_ready check ((finished_at is not null) = (state in (9, 10))),
    constraint cases_handed_over_at_the_end check ((handed_over_at is not null) = (state = 10)),
    constraint cases_finished_after_acceptance check (finished_at >= accepted_at),
    constraint cases_numbered_before_ready check (state not in (9, 10) or result_number is not null),
    constraint cases_apology_reappoints check ((apologised_at is null) = (reappointed_to is null)),
    constraint cases_secret_hash_is_sha256 check (octet_length(tracking_secret_hash) = 32)
) with (fillfactor = 80);
comment on table cases is 'one row per accepted dossier; moments are legal time; only processing writes status';
comment on column cases.version is 'counts officers'' acts: what If-Match is compared with';
comment on column cases.finished_at is 'when state 9 was reached: the only moment by which lateness is judged (C11)';
comment on column cases.draft_opened_at is 'when the draft of an apology opened (C12); finishing discards an unsent one';
comment on column cases.tracking_secret_hash is 'SHA-256 of the secret that only the applicant has';
create index cases_received on cases (received_path text_pattern_ops, accepted_at);
create index cases_running on cases (promised_due) where finished_at is null;

create table steps (
    code text not null,
    step_no bigint not null,
    step_code text not null,
    move text not null,
    agency text not null,
    agency_path text not null,
    officer_role text not null,
    parallel_group text not null,
    status text not null,
    holder text,
    taken boolean not null default false,
    opened_at timestamptz,
    completed_at timestamptz,
    constraint steps_pkey primary key (code, step_no),
    constraint steps_of_a_case foreign key (code) references cases (code),
    constraint steps_move_known check (move in ('accept', 'work', 'period', 'sign', 'number', 'hand_over')),
    constraint steps_status_known check (status in ('waiting', 'open', 'done')),
    constraint steps_open_names_agency check (status = 'waiting' or agency <> ''),
    constraint steps_open_has_moment check ((opened_at is null) = (status = 'waiting')),
    constraint steps_done_has_moment check ((completed_at is not null) = (status = 'done')),
    constraint steps_waiting_is_free check (status <> 'waiting' or holder is null),
    constraint steps_taken_has_holder check (holder is not null or not taken)
) with (fillfactor = 80);
comment on table steps is 'the flow of each dossier: which agency does what, who holds it, since when, until when';
comment on column steps.agency is 'empty until the step opens where another commune is named only then';
comment on column steps.taken is 'false while the step is only assigned to its holder';

create table duties (
    code text not null,
    step_no bigint not null,
    action text not null,
    agency text not null,
    role text not null,
    move text not null,
    step_agency text not null,
    step_role text not null,
    holder text,
    taken boolean not null,
    promised_due timestamptz not null,
    constraint duties_pkey primary key (code, step_no, action),
    constraint duties_of_a_case foreign key (code) references cases (code)
);
comment on table duties is 'the acts that open steps wait for, by the office that owes them: derived from cases and steps';
create index duties_of_an_office on duties (agency, role, promised_due, code);

create table timers (
    code text not null,
    kind text not null,
    due_at timestamptz not null,
    fires_at timestamptz not null,
    constraint timers_pkey primary key (code, kind),
    constraint timers_of_a_case foreign key (code) references cases (code),
    constraint timers_kind_known check (kind in ('half_time', 'draft_apology', 'become_overdue')),
    constraint timers_fire_when_due check (fires_at >= due_at)
);
comment on table timers is 'what the legal clock still owes each dossier; a row goes when it fires or the dossier is finished';
comment on column timers.due_at is 'legal time of the fact';
comment on column timers.fires_at is 'first second at which it may fire: overdue is strictly after the due moment (C11)';
create index timers_next on timers (fires_at);

create table registers (
    agency text not null,
    year bigint not null,
    last_number bigint not null,
    constraint registers_pkey primary key (agency, year),
    constraint registers_number_positive check (last_number > 0)
);
comment on table registers is 'the last result number given by each agency in each year; numbers have no gaps';
