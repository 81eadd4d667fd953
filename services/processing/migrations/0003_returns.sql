-- A dossier may be sent back: the time that a step has used stays used (C10).
set local lock_timeout = '2s';
set local statement_timeout = '30s';

alter table steps add column earlier tstzmultirange not null default '{}';
comment on column steps.earlier is 'stays at this step before the present one, each from its opening until it was left';
