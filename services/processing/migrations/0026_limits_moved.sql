-- A calendar may give whoever is waited for longer than he was told (C13): what he was told first, and the version that moved it.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

alter table halts add column first_limit_at timestamptz;
alter table halts add column limit_calendar text;
comment on column halts.first_limit_at is 'the applicant''s own limit as it was asked with; empty where no calendar has moved it';
comment on column halts.limit_calendar is 'the calendar version that moved it last; empty where none has';
