-- A calendar version that is applied moves dates where they cannot be kept: which version a dossier follows.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

alter table cases add column calendar_followed text not null default '';
comment on column cases.calendar_version is 'the calendar by which both due moments were reckoned';
comment on column cases.calendar_followed is 'the calendar that was last applied to it: what is reckoned next goes by it';
update cases set calendar_followed = calendar_version;
-- No release has this table yet: nobody waits for the index.
-- squawk-ignore require-concurrent-index-creation
create index cases_following on cases (calendar_followed) where finished_at is null;
