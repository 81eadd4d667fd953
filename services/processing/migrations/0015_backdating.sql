-- A dossier may count from before its record (C14): since when it is known, on what evidence, and who let it.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

alter table cases
    add column recorded_at timestamptz,
    add column evidence text,
    add column approved_by text,
    add column approving_agency text;
comment on column cases.recorded_at is 'when a backdated acceptance was recorded; empty where accepted_at is that moment (C14)';
-- No release has this table yet: nobody waits for the scan.
-- squawk-ignore constraint-missing-not-valid
alter table cases add constraint cases_backdated_whole check (
    num_nulls(recorded_at, evidence, approved_by, approving_agency) in (0, 4) and recorded_at > accepted_at
);
