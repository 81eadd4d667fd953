-- Papers are written by the statement that writes their dossier, which no policy can see yet. Once it is done, whoever wrote
-- them must see their dossier (ADR 41).
set local lock_timeout = '2s';
set local statement_timeout = '30s';

create function refuse_papers_beyond_scope() returns trigger
language plpgsql as $$
begin
    if exists (
        select from (select distinct code from added) as paper
        where (select true from intake.dossiers where dossiers.code = paper.code) is not true
    ) then
        raise exception 'papers of a dossier beyond the scope of this transaction'
            using errcode = 'insufficient_privilege';
    end if;
    return null;
end
$$;

create trigger papers_within_scope after insert on papers
referencing new table as added
for each statement execute function refuse_papers_beyond_scope();
