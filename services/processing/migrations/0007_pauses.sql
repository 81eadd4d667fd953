-- The legal clock may stand: supplements, payments and excluded periods, each with who, why, on what article and until when;
-- dossiers may be closed without a result. Both due moments of a case are a cache of what is reckoned from these rows.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

create table halts (
    code text not null,
    halt_no bigint not null,
    kind text not null,
    begins_at timestamptz not null,
    came_from bigint not null,
    agency text not null,
    officer text not null,
    basis text not null,
    step_no bigint not null,
    ends_at timestamptz,
    limit_at timestamptz,
    limit_reached boolean not null,
    papers text [] not null,
    missing text [] not null,
    amount_vnd bigint,
    ended_by text not null default '',
    constraint halts_pkey primary key (code, halt_no),
    constraint halts_of_a_case foreign key (code) references cases (code),
    constraint halts_count_from_one check (halt_no > 0),
    constraint halts_kind_known check (kind in ('supplement', 'payment', 'posting', 'survey', 'council')),
    constraint halts_came_from_a_running_state check (came_from in (2, 4)),
    constraint halts_end_after_they_begin check (ends_at >= begins_at),
    constraint halts_limit_after_they_begin check (limit_at > begins_at),
    constraint halts_only_applicants_have_a_limit check ((limit_at is not null) = (kind in ('supplement', 'payment'))),
    constraint halts_supplement_names_papers check ((cardinality(papers) > 0) = (kind = 'supplement')),
    constraint halts_missing_were_asked_for check (missing <@ papers),
    constraint halts_supplement_ends_complete check (
        kind <> 'supplement' or (ends_at is null) = (cardinality(missing) > 0)
    ),
    constraint halts_payment_has_amount check ((amount_vnd is not null) = (kind = 'payment')),
    constraint halts_amount_positive check (amount_vnd > 0),
    constraint halts_ended_before_anybody_says_so check (ended_by = '' or ends_at is not null)
);
comment on table halts is 'pauses of the legal clock as they happened (C6): what both due moments are reckoned from';
comment on column halts.ends_at is 'end by law: of a supplement the arrival of the last paper, whenever the desk confirms it';
comment on column halts.limit_at is 'the applicant''s own limit (C13)';
comment on column halts.limit_reached is 'whether the timer of that limit has fired';

create table proposals (
    code text not null,
    papers text [] not null,
    agency text not null,
    officer text not null,
    proposed_at timestamptz not null,
    constraint proposals_pkey primary key (code),
    constraint proposals_of_a_case foreign key (code) references cases (code),
    constraint proposals_name_papers check (cardinality(papers) > 0)
);
comment on table proposals is 'further supplements that wait for a leader';

alter table halts enable row level security;
alter table halts force row level security;
create policy halts_of_processing on halts to processing using (true);
create policy halts_of_callers on halts to processing_api using ((select true from cases where cases.code = halts.code));

alter table proposals enable row level security;
alter table proposals force row level security;
create policy proposals_of_processing on proposals to processing using (true);
create policy proposals_of_callers on proposals to processing_api
using ((select true from cases where cases.code = proposals.code));

alter table cases add column halt_count bigint not null default 0;
comment on column cases.halt_count is 'how many rows of halts it has: where none, neither these nor a proposal are looked for';
alter table cases add column statutory_paused_since timestamptz;
comment on column cases.statutory_paused_since is 'since when the limit of the law is paused; statutory_due was in force last';
alter table cases add column promised_paused_since timestamptz;
comment on column cases.promised_paused_since is 'since when the promised limit is paused: nothing is due meanwhile (C6)';
alter table cases add column half_time_at timestamptz;
comment on column cases.half_time_at is 'when the warning of half-time was due that has fired: it is not set anew (C12)';
alter table cases add column withdrawal_requested_at timestamptz;
comment on column cases.withdrawal_requested_at is 'when the applicant asked to withdraw it, at intake';
alter table cases add column closed_at timestamptz;
comment on column cases.closed_at is 'when it was closed without a result: withdrawn, stopped, refused after a limit (C15)';
-- No release has this table yet: nobody waits for the scan.
-- squawk-ignore constraint-missing-not-valid
alter table cases add constraint cases_closed_without_result check ((closed_at is not null) = (state in (3, 7, 8)));

alter table steps add column period text not null default '';
comment on column steps.period is 'the excluded period that the step is; empty for all others';

-- No release has this table yet: no older process relies on the shorter list.
-- squawk-ignore ban-drop-constraint
alter table timers drop constraint timers_kind_known;
-- squawk-ignore constraint-missing-not-valid
alter table timers add constraint timers_kind_known check (
    kind in ('half_time', 'draft_apology', 'become_overdue', 'supplement_limit', 'payment_limit')
);
