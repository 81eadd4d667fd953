-- One data key for each dossier, wrapped under the key-encryption key that key_id names. A deleted row erases the
-- people of its dossier everywhere, within the time that backups of this schema are kept.
create table dossier_keys (
    code text not null,
    wrapped_key bytea not null,
    key_id text not null,
    created_at timestamptz not null,
    constraint dossier_keys_pkey primary key (code)
);
