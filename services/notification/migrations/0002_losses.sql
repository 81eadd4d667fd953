-- How many attempts of a message had no answer: each of them may have arrived, so their number has an end of its own.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

alter table messages add column losses integer not null default 0;
