-- A finished dossier may be reopened before its result is handed over, and a result corrected after that.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

alter table cases add column finished_late_at timestamptz;
comment on column cases.finished_late_at is 'the first late finish that was taken back: late is late, whenever it is finished anew (C11)';
alter table cases add column corrected_at timestamptz;
comment on column cases.corrected_at is 'when the result was last corrected after it had been handed over';
-- No release has this table yet: nobody waits for the scans.
-- squawk-ignore constraint-missing-not-valid
alter table cases add constraint cases_late_finish_was_late check (finished_late_at > accepted_at);
-- squawk-ignore constraint-missing-not-valid
alter table cases add constraint cases_corrected_at_the_end check (corrected_at is null or state = 10);
