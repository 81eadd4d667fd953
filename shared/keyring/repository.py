"""The keyring: one wrapped data key for each dossier. Intake writes and erases, notification reads; nobody else.

Deleting a row makes the people of its dossier unreadable everywhere (crypto-shredding).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from shared.database import Connection

ADD_KEYS = """
insert into keyring.dossier_keys (code, wrapped_key, key_id, created_at)
select code, wrapped_key, $3, $4 from unnest($1::text[], $2::bytea[]) as k (code, wrapped_key)
"""


async def add_keys(
    tx: Connection, wrapped_keys: Sequence[tuple[str, bytes]], *, key_id: str, created_at: datetime
) -> None:
    """Keep the wrapped data keys of new dossiers, as (code, wrapped key); `created_at` is machine time."""
    codes, keys = zip(*wrapped_keys, strict=True)
    await tx.execute(ADD_KEYS, codes, keys, key_id, created_at)


READ_KEYS = """
select code, wrapped_key, key_id from keyring.dossier_keys where code = any($1::text[])
"""


async def read_keys(connection: Connection, codes: Sequence[str]) -> dict[str, tuple[bytes, str]]:
    """Read the wrapped keys and their key ids; a dossier that was erased is not in the answer."""
    rows = await connection.fetch(READ_KEYS, codes)
    return {row["code"]: (row["wrapped_key"], row["key_id"]) for row in rows}
