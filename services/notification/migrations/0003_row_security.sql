-- The second lock: what officers read goes by the scope of their transaction (ADR 41). Notification itself sees every
-- message; the role of its routes sees those of the dossiers that the scope names, else nothing.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

create function callers_paths() returns text []
language sql stable parallel safe
return string_to_array(nullif(current_setting('motcua.paths', true), ''), ',');
comment on function callers_paths() is 'the subtrees of agencies that this transaction may see; null: none';

alter table dossiers enable row level security;
alter table dossiers force row level security;
create policy dossiers_of_notification on dossiers to notification using (true);
create policy dossiers_of_callers on dossiers to notification_api using (
    received_path ^@ any ((select callers_paths())::text [])
    or competent_path ^@ any ((select callers_paths())::text [])
);

alter table notices enable row level security;
alter table notices force row level security;
create policy notices_of_notification on notices to notification using (true);
create policy notices_of_callers on notices to notification_api
using ((select true from dossiers where dossiers.code = notices.code));

alter table messages enable row level security;
alter table messages force row level security;
create policy messages_of_notification on messages to notification using (true);
create policy messages_of_callers on messages to notification_api
using ((select true from notices where notices.fact_id = messages.fact_id));
