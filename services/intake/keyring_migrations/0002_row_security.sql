-- Whoever sees a dossier sees its data key, and adds one (ADR 41). Intake itself and notification, which opens people to tell
-- them, see every key.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

alter table dossier_keys enable row level security;
alter table dossier_keys force row level security;
create policy keys_of_intake on dossier_keys to intake using (true);
create policy keys_of_notification on dossier_keys for select to notification using (true);
create policy keys_of_callers on dossier_keys to intake_api
using ((select true from intake.dossiers where dossiers.code = dossier_keys.code));
