-- Dossiers that are registered or refused before anybody accepts them. They have a number of their place and day like any
-- other; what acceptance decides is empty until then. Rows of before are accepted ones.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

-- A process of before reads and writes accepted dossiers alone, of which everything is there.
alter table dossiers
    add column state smallint not null default 2,
    add column version bigint not null default 1,
    add column filed_at timestamptz,
    add column filed_by text,
    add column applicant_index bytea,
    add column secret_hash text,
    add column papers_asked text [] not null default '{}',
    add column reason text,
    -- squawk-ignore ban-drop-not-null
    alter column competent_agency drop not null,
    -- squawk-ignore ban-drop-not-null
    alter column competent_path drop not null,
    -- squawk-ignore ban-drop-not-null
    alter column accepted_by drop not null,
    -- squawk-ignore ban-drop-not-null
    alter column accepted_at drop not null,
    -- squawk-ignore ban-drop-not-null
    alter column statutory_due drop not null,
    -- squawk-ignore ban-drop-not-null
    alter column promised_due drop not null;
comment on column dossiers.state is 'national state as far as intake decides it: from 2 on it is processing''s to tell';
comment on column dossiers.applicant_index is 'blind index of the subject of the citizen who registered it himself';
comment on column dossiers.papers_asked is 'papers of the pinned list that were asked for and are missing';
comment on column dossiers.secret_hash is 'hash of the tracking secret, until acceptance publishes it';

alter table dossiers add constraint dossiers_accepted_whole check (
    state in (1, 2, 3, 7) and (state = 2) = (accepted_at is not null)
    and num_nulls(competent_agency, competent_path, accepted_by, accepted_at, statutory_due, promised_due) in (0, 6)
) not valid;

-- No accepted dossier stands in it; what filings write is checked against its predicate alone.
-- squawk-ignore require-concurrent-index-creation
create index dossiers_waiting on dossiers (received_path, filed_at, code) where state = 1;

-- The second lock (ADR 41) for citizens: their own registrations, by the blind index of their subject.
create function callers_applicant() returns bytea
language sql stable parallel safe
return decode(nullif(current_setting('motcua.applicant', true), ''), 'hex');
comment on function callers_applicant() is 'the citizen whose registrations this transaction may see; null: none';

create policy dossiers_of_their_applicant on dossiers to intake_api
using (applicant_index = (select callers_applicant()));
create policy papers_changed_by_callers on papers for update to intake_api
using ((select true from dossiers where dossiers.code = papers.code));
