-- A stored answer tells of a dossier: a transaction sees the answers to those whose requests it settles (ADR 41).
-- Processing itself, which forgets the old ones, sees all.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

create function callers() returns text []
language sql stable parallel safe
return string_to_array(nullif(current_setting('motcua.callers', true), ''), ',');
comment on function callers() is 'those whose requests this transaction settles; null: nobody';

alter table idempotency_keys enable row level security;
alter table idempotency_keys force row level security;
create policy answers_of_processing on idempotency_keys to processing using (true);
create policy answers_of_callers on idempotency_keys to processing_api using (caller = any((select callers())::text []));
