-- Worklists are narrowed by step and urgency: what of a duty's dossier that needs stands in its row, so that no other row
-- is read to pass one over.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

alter table duties add column step_code text not null default '';
comment on column duties.step_code is 'code of its step; empty where it belongs to the whole dossier';
alter table duties add column clock text not null default 'running';
comment on column duties.clock is 'what the promised limit of its dossier does: with promised_due it says how urgent it is';
update duties set
    step_code = coalesce(
        (select steps.step_code from steps where steps.code = duties.code and steps.step_no = duties.step_no), ''
    ),
    clock = case
        when cases.finished_at is not null or cases.closed_at is not null then 'over'
        when cases.promised_paused_since is not null then 'paused'
        else 'running'
    end
from cases
where cases.code = duties.code;
-- No release has this table yet: nobody waits for the scan.
-- squawk-ignore constraint-missing-not-valid
alter table duties add constraint duties_clock_known check (clock in ('running', 'paused', 'over'));
