-- A head tells that a dossier is there and how much has happened to it: it is seen and moved by whoever sees its dossier
-- (ADR 41). Intake itself and the owner, who publishes rules and verifies history, see all.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

alter table journal_heads enable row level security;
alter table journal_heads force row level security;
create policy heads_of_owner on journal_heads to current_user using (true);
create policy heads_of_intake on journal_heads to intake using (true);
create policy heads_of_callers on journal_heads to intake_api
using ((select true from dossiers where dossiers.code = journal_heads.subject));
