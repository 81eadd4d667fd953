-- The second lock: what officers and applicants read goes by the scope of their transaction (ADR 41). Processing itself,
-- its consumer and its timers, sees every dossier; the role of its routes sees what the scope names, else nothing.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

alter table cases add column parts text [] not null default '{}';
comment on column cases.parts is 'paths of all who have a part: place of reception, who decides, each step''s agency';
update cases set parts = array(
    select distinct path
    from (
        select cases.received_path as path
        union all select cases.competent_path
        union all select agency_path from steps where steps.code = cases.code and agency_path <> ''
    ) as part
);
-- No release has these tables yet, so no older process can miss the column.
-- squawk-ignore ban-drop-default
alter table cases alter column parts drop default;
-- squawk-ignore constraint-missing-not-valid
alter table cases add constraint cases_parts_are_known check (cardinality(parts) > 0);

create function callers_paths() returns text []
language sql stable parallel safe
return string_to_array(nullif(current_setting('motcua.paths', true), ''), ',');
comment on function callers_paths() is 'the subtrees of agencies that this transaction may see; null: none';

create function callers_dossier() returns text
language sql stable parallel safe
return nullif(current_setting('motcua.dossier', true), '');
comment on function callers_dossier() is 'the dossier whose applicant this transaction serves; null: none';

alter table cases enable row level security;
alter table cases force row level security;
create policy cases_of_processing on cases to processing using (true);
create policy cases_of_callers on cases to processing_api using (
    code = (select callers_dossier())
    or exists (select from unnest(parts) as part (path) where path ^@ any ((select callers_paths())::text []))
);

-- Whoever sees a dossier sees all of it. Not by `exists`: of that the planner may make one walk through all dossiers, where
-- a scalar subquery is asked for one after the other by index.
alter table steps enable row level security;
alter table steps force row level security;
create policy steps_of_processing on steps to processing using (true);
create policy steps_of_callers on steps to processing_api using ((select true from cases where cases.code = steps.code));

alter table duties enable row level security;
alter table duties force row level security;
create policy duties_of_processing on duties to processing using (true);
create policy duties_of_callers on duties to processing_api
using ((select true from cases where cases.code = duties.code));

alter table timers enable row level security;
alter table timers force row level security;
create policy timers_of_processing on timers to processing using (true);
create policy timers_of_callers on timers to processing_api
using ((select true from cases where cases.code = timers.code));
