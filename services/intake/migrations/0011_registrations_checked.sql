-- The rows of before are accepted ones, and whole.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

alter table dossiers validate constraint dossiers_accepted_whole;
