-- Which limits of its catalogue version a dossier has: those at the desk, or those for what is filed online.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

alter table cases add column filed_online boolean not null default false;
comment on column cases.filed_online is 'it was registered online, and has the limits of its catalogue version for that';
