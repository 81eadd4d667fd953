-- What intake takes in after acceptance: papers of a supplement, and the wish to withdraw. Both go by the state that processing
-- told last; where it has told none since these columns are there, what intake knows itself stands.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

alter table dossiers
    add column processing_state smallint,
    add column withdrawal_requested_at timestamptz;
comment on column dossiers.processing_state is 'national state as processing told it last';
comment on column dossiers.withdrawal_requested_at is 'when the applicant asked to withdraw the accepted dossier (legal time)';

-- Acts on accepted dossiers are the place of reception's and the applicant's: whoever decides or has a step reads them only.
drop policy dossiers_of_callers on dossiers;
create policy dossiers_seen_by_callers on dossiers for select to intake_api using (
    received_path ^@ any ((select callers_paths())::text [])
    or competent_path ^@ any ((select callers_paths())::text [])
    or exists (select from unnest(step_paths) as step (path) where path ^@ any ((select callers_paths())::text []))
);
create policy dossiers_added_by_their_place on dossiers for insert to intake_api
with check (received_path ^@ any ((select callers_paths())::text []));
create policy dossiers_changed_by_their_place on dossiers for update to intake_api
using (received_path ^@ any ((select callers_paths())::text []));

drop policy papers_changed_by_callers on papers;
create policy papers_changed_by_callers on papers for update to intake_api using ((
    select received_path ^@ any (callers_paths()) or applicant_index = callers_applicant()
    from dossiers where dossiers.code = papers.code
));

create or replace function refuse_papers_beyond_scope() returns trigger
language plpgsql as $$
begin
    if exists (
        select from (select distinct code from added) as paper
        where (
            select
                current_user <> 'intake_api' or received_path ^@ any (intake.callers_paths())
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
