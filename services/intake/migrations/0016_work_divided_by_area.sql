-- Work that an ended agency left to others by area is theirs in the dossiers of these areas alone (ADR 78): a path is compared
-- with the area of its dossier behind it, and a scope names `90.97.01.` for all of it, `90.97.01.@16093` for one area.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

drop policy dossiers_seen_by_callers on dossiers;
create policy dossiers_seen_by_callers on dossiers for select to intake_api using (
    (received_path || '@' || area_code) ^@ any ((select callers_paths())::text [])
    or (competent_path || '@' || area_code) ^@ any ((select callers_paths())::text [])
    or exists (
        select from unnest(step_paths) as step (path)
        where (path || '@' || area_code) ^@ any ((select callers_paths())::text [])
    )
);
drop policy dossiers_changed_by_their_place on dossiers;
create policy dossiers_changed_by_their_place on dossiers for update to intake_api
using ((received_path || '@' || area_code) ^@ any ((select callers_paths())::text []));

drop policy papers_changed_by_callers on papers;
create policy papers_changed_by_callers on papers for update to intake_api using ((
    select (received_path || '@' || area_code) ^@ any (callers_paths()) or applicant_index = callers_applicant()
    from dossiers where dossiers.code = papers.code
));

create or replace function refuse_papers_beyond_scope() returns trigger
language plpgsql as $$
begin
    if exists (
        select from (select distinct code from added) as paper
        where (
            select
                current_user <> 'intake_api'
                or (received_path || '@' || area_code) ^@ any (intake.callers_paths())
                or applicant_index = intake.callers_applicant()
            from intake.dossiers where dossiers.code = paper.code
        ) is not true
    ) then
        raise exception 'papers of a dossier beyond the scope of this transaction'
            using errcode = 'insufficient_privilege';
    end if;
    return null;
end
$$;
