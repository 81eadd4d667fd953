-- Each limit keeps the calendar that its own date was issued by: one may be issued anew while the other is kept.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

alter table cases add column statutory_calendar text;
comment on column cases.calendar_version is 'the calendar by which the promised due moment was reckoned';
comment on column cases.statutory_calendar is 'that of the statutory one; empty where it is the same';
