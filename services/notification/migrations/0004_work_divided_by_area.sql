-- Work that an ended agency left to others by area is theirs in the dossiers of these areas alone (ADR 78): a path is compared
-- with the area of its dossier behind it, and a scope names `90.97.01.` for all of it, `90.97.01.@16093` for one area.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

alter table dossiers add column area_code text not null default '';
comment on column dossiers.area_code is 'of the applicant''s or the parcel''s commune; empty where no fact has said it';

drop policy dossiers_of_callers on dossiers;
create policy dossiers_of_callers on dossiers to notification_api using (
    (received_path || '@' || area_code) ^@ any ((select callers_paths())::text [])
    or (competent_path || '@' || area_code) ^@ any ((select callers_paths())::text [])
);
