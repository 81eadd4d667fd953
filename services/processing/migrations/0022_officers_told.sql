-- What leaders say of their officers is journaled too, in a chain for each unit: its head is seen and moved by whoever
-- sees the unit's entries (ADR 67). A dossier's head asks for its dossier alone, as before.
set local lock_timeout = '2s';
set local statement_timeout = '30s';

create policy heads_of_units on journal_heads to processing_api
using (
    topic = 'officers.entries.v1'
    and exists (select from officer_entries where officer_entries.agency = journal_heads.subject)
);
