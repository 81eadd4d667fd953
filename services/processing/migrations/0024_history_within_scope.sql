-- Facts of a dossier are read by whoever sees it, and recorded by whoever acts on it: his head was let through before
-- (ADR 41). Processing itself and the owner, who verifies history, see all.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

alter table journal enable row level security;
alter table journal force row level security;
create policy journal_of_owner on journal to current_user using (true);
create policy journal_of_processing on journal to processing using (true);
create policy journal_read_by_callers on journal for select to processing_api
using ((select true from cases where cases.code = journal.subject));
create policy journal_added_by_callers on journal for insert to processing_api with check (true);
