-- The register of officers: what leaders have said of their own units, by date, each with who said it and when.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

create table officer_entries (
    no bigint generated always as identity,
    kind text not null,
    agency text not null,
    agency_path text not null,
    officer text not null,
    role text not null,
    deputy text not null,
    first_day date not null,
    last_day date,
    withdraws bigint,
    recorded_at timestamptz not null,
    recorded_by text not null,
    constraint officer_entries_pkey primary key (no),
    constraint officer_entries_kind_known check (kind in ('seat', 'absence', 'revocation', 'withdrawal')),
    constraint officer_entries_days_in_order check (last_day >= first_day),
    constraint officer_entries_absence_ends check (kind <> 'absence' or last_day is not null),
    constraint officer_entries_role_where_it_matters check ((role <> '') = (kind in ('seat', 'absence'))),
    constraint officer_entries_deputy_of_an_absence check (deputy = '' or (kind = 'absence' and deputy <> officer)),
    constraint officer_entries_withdraw_another check ((withdraws is not null) = (kind = 'withdrawal')),
    constraint officer_entries_withdrawn foreign key (withdraws) references officer_entries (no)
);
comment on table officer_entries is 'append-only: seats, absences and revocations of officers by date, and what was withdrawn; recorded_at is legal time';
comment on column officer_entries.no is 'in the order of the commits: whoever writes waits for his turn';

alter table officer_entries enable row level security;
alter table officer_entries force row level security;
create policy officers_of_processing on officer_entries to processing using (true);
create policy officers_of_callers on officer_entries to processing_api
using (agency_path ^@ any ((select callers_paths())::text []));
