-- What counts from before its record is counted in public (C14), on the day of the record: no day that is over changes.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

alter table dossiers add column backdated boolean not null default false;
comment on column dossiers.backdated is 'its legal time lies before its record; accepted_at is then the moment of the record';
