-- Work that an ended agency left to others by area is theirs in the dossiers of these areas alone (ADR 78): a part is compared
-- with the area of its dossier behind it, and a scope names `90.97.01.` for all of it, `90.97.01.@16093` for one area.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

drop policy cases_of_callers on cases;
create policy cases_of_callers on cases to processing_api using (
    code = (select callers_dossier())
    or exists (
        select from unnest(parts) as part (path)
        where (path || '@' || area_code) ^@ any ((select callers_paths())::text [])
    )
);
