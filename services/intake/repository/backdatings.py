"""SQL of approvals of earlier moments of receipt."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import astuple, fields

from services.intake.domain.backdating import Approval
from shared.contracts.facts import Evidence
from shared.database import Connection
from shared.rulebook.calendar import local

_FIELDS = tuple(field.name for field in fields(Approval))

ADD_APPROVAL = f"""
insert into backdatings ({", ".join(_FIELDS)}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""  # noqa: S608 - names of the dataclass's fields


async def add_approval(tx: Connection, approval: Approval) -> None:
    """Store what a leader approved."""
    await tx.execute(ADD_APPROVAL, *astuple(approval))


LOCK_APPROVALS = f"""
select {", ".join(_FIELDS)} from backdatings
where id = any($1::uuid[]) and place = any($2::text[])
order by id for update
"""  # noqa: S608 - names of the dataclass's fields


async def lock_approvals(tx: Connection, wanted: Collection[str], places: Collection[str]) -> dict[str, Approval]:
    """Read approvals for these places, and let nobody else use them until the transaction ends."""
    rows = await tx.fetch(LOCK_APPROVALS, list(wanted), list(places))
    moments = ("received_at", "approved_at")
    return {
        str(row["id"]): Approval(
            **{
                **row,
                "id": str(row["id"]),
                "evidence": Evidence(row["evidence"]),
                **{name: local(row[name]) for name in moments},
            }
        )
        for row in rows
    }


USE_APPROVALS = """
update backdatings set used_for = u.code
from unnest($1::uuid[], $2::text[]) as u (id, code)
where backdatings.id = u.id
"""


async def use_approvals(tx: Connection, used: Mapping[str, str]) -> None:
    """Write down which dossier each approval was used for."""
    await tx.execute(USE_APPROVALS, list(used), list(used.values()))
