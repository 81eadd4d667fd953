"""The keyring: one wrapped data key for each dossier. Intake writes and erases, notification reads; nobody else.

Deleting a row makes the people of its dossier unreadable everywhere (crypto-shredding).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from shared.database import Connection

ADD_KEY = """
insert into keyring.dossier_keys (code, wrapped_key, key_id, created_at) values ($1, $2, $3, $4)
"""


async def add_key(tx: Connection, code: str, *, wrapped_key: bytes, key_id: str, created_at: datetime) -> None:
    """Keep the wrapped data key of a new dossier; `created_at` is machine time."""
    await tx.execute(ADD_KEY, code, wrapped_key, key_id, created_at)


READ_KEYS = """
select code, wrapped_key, key_id from keyring.dossier_keys where code = any($1::text[])
"""


async def read_keys(connection: Connection, codes: Sequence[str]) -> dict[str, tuple[bytes, str]]:
    """Read the wrapped keys and their key ids; a dossier that was erased is not in the answer."""
    rows = await connection.fetch(READ_KEYS, codes)
    return {row["code"]: (row["wrapped_key"], row["key_id"]) for row in rows}
