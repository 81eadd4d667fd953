-- What a leader let count from before its record (C14): one filing at one place each, used once.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

create table backdatings (
    id uuid not null,
    place text not null,
    place_path text not null,
    procedure_code text not null,
    case_code text not null,
    received_at timestamptz not null,
    evidence text not null,
    evidence_no text not null,
    approved_by text not null,
    approving_agency text not null,
    approved_at timestamptz not null,
    used_for text,
    constraint backdatings_pkey primary key (id),
    constraint backdatings_reach_back check (received_at < approved_at),
    constraint backdatings_of_one_dossier unique (used_for),
    constraint backdatings_of_a_dossier foreign key (used_for) references dossiers (code)
);
comment on table backdatings is 'approvals of earlier moments of receipt; of a row only used_for is ever changed, once';
comment on column backdatings.evidence_no is 'number of the document in the agency''s files: no free text, nobody''s name';

create function keep_approval() returns trigger language plpgsql as $$
begin
    if old.used_for is not null or (to_jsonb(new) - 'used_for') <> (to_jsonb(old) - 'used_for') then
        raise exception 'an approval is used once and never changed' using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
create trigger backdatings_keep_values before update on backdatings for each row execute function keep_approval();
create trigger backdatings_keep_rows before delete on backdatings for each row execute function refuse_change();
create trigger backdatings_keep_all before truncate on backdatings
    for each statement execute function refuse_change();

alter table backdatings enable row level security;
alter table backdatings force row level security;
create policy backdatings_of_intake on backdatings to intake using (true);
create policy backdatings_of_callers on backdatings to intake_api
using (place_path ^@ any ((select callers_paths())::text []));
