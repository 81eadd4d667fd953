-- The second lock: what officers read goes by the scope of their transaction (ADR 41). Intake itself sees every dossier; the
-- role of its routes sees what the scope names, else nothing.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

create function callers_paths() returns text []
language sql stable parallel safe
return string_to_array(nullif(current_setting('motcua.paths', true), ''), ',');
comment on function callers_paths() is 'the subtrees of agencies that this transaction may see; null: none';

alter table dossiers enable row level security;
alter table dossiers force row level security;
create policy dossiers_of_intake on dossiers to intake using (true);
create policy dossiers_of_callers on dossiers to intake_api using (
    received_path ^@ any ((select callers_paths())::text [])
    or competent_path ^@ any ((select callers_paths())::text [])
    or exists (select from unnest(step_paths) as step (path) where path ^@ any ((select callers_paths())::text []))
);

alter table papers enable row level security;
alter table papers force row level security;
create policy papers_of_intake on papers to intake using (true);
create policy papers_read_by_callers on papers for select to intake_api
using ((select true from dossiers where dossiers.code = papers.code));
-- They are written by the statement that writes their dossier, which no policy can see yet: its foreign key holds them.
create policy papers_written_by_callers on papers for insert to intake_api with check (true);
