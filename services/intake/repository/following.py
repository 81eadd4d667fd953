"""SQL of what intake notes of processing's facts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from shared.contracts.facts import State
from shared.database import Connection, columns

OVER = frozenset({State.REFUSED, State.WITHDRAWN, State.STOPPED, State.READY, State.HANDED_OVER})
"""States in which processing is done with a dossier, unless it is reopened."""

FOLLOW_DOSSIERS = """
update dossiers as d
set processing_state = f.state, version = d.version + 1, papers_asked = string_to_array(f.papers, ','),
    closed_at = case when f.over then least(d.closed_at, f.told_at) end
from unnest($1::text[], $2::smallint[], $3::timestamptz[], $4::text[], $5::boolean[])
    as f (code, state, told_at, papers, over)
where d.code = f.code
"""


class Told(NamedTuple):
    """The state that a fact of processing leaves a dossier in (legal time), and the papers that it asks for."""

    code: str
    state: State
    at: datetime
    papers: Sequence[str] = ()


async def follow_dossiers(tx: Connection, told: Sequence[Told]) -> None:
    """Note what processing told of these dossiers, each once; its acts count as versions here too."""
    rows = ((each.code, each.state, each.at, ",".join(each.papers), each.state in OVER) for each in told)
    await tx.execute(FOLLOW_DOSSIERS, *columns(rows, 5))
