-- How many attempts of a message had no answer: each of them may have arrived, so their number has an end of its own.
-- It says what unknown_at said, and how often.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

alter table messages add column losses integer not null default 0;
update messages set losses = 1 where unknown_at is not null;
-- No release has this column yet, so no older process can miss it.
-- squawk-ignore ban-drop-column
alter table messages drop column unknown_at;
