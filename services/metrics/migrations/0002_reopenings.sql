-- Finishes that were taken back. What was counted on a day stays counted there; these rows say what no longer holds.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

create table reopenings (
    code text not null,
    reopening_no bigint not null,
    figure text not null,
    finished_at timestamptz not null,
    reopened_at timestamptz not null,
    constraint reopenings_pkey primary key (code, reopening_no),
    constraint reopenings_of_a_dossier foreign key (code) references dossiers (code),
    constraint reopenings_after_the_finish check (reopened_at >= finished_at),
    constraint reopenings_of_a_result check (figure in ('resolved_on_time', 'resolved_late'))
);
comment on table reopenings is 'finishes that were taken back: what each was counted as, when it was, when it was taken back';
