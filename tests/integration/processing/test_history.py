"""What was recorded of a dossier is shown to officers who may read it: the journal's own facts, chain and all."""

from __future__ import annotations

import json
from http import HTTPStatus

from shared.rulebook.calendar import local
from tests.integration.processing.hall import COMMUNE, Hall

LAND = ("1.012784", "default")
RECORDED = """
select seq, type, legal_time, recorded_at, body, hash from processing.journal where subject = $1 order by seq
"""
HEAD = "select seq, hash from processing.journal_heads where subject = $1"


async def test_the_history_is_the_journal_and_ends_in_its_head(hall: Hall) -> None:
    code = await hall.accept(hall.catalogue.case(*LAND))
    desk = hall.bearer("desk", COMMUNE)
    before = await hall.http.get(f"/v1/dossiers/{code}/history", headers=desk)
    assert before.json() == {"code": code, "facts": []}
    named = {"officer": "anna", "agency": "H56.92.01"}
    assert (await hall.act(code, "assign", ("desk", COMMUNE), 1, named)).status_code == HTTPStatus.OK
    shown = (await hall.http.get(f"/v1/dossiers/{code}/history", headers=desk)).json()["facts"]
    recorded = await hall.database.fetch(RECORDED, code)
    assert shown == [
        {
            "seq": row["seq"],
            "type": row["type"],
            "at": local(row["legal_time"]).isoformat(),
            "recorded_at": local(row["recorded_at"]).isoformat(),
            "said": json.loads(row["body"]),
            "hash": row["hash"].hex(),
        }
        for row in recorded
    ]
    assert [fact["type"] for fact in shown] == ["vn.motcua.dossier.assigned.v1"]
    head = await hall.database.fetchrow(HEAD, code)
    assert (head["seq"], head["hash"].hex()) == (shown[-1]["seq"], shown[-1]["hash"])


async def test_a_history_is_open_to_whom_the_dossier_is(hall: Hall) -> None:
    code = await hall.accept(hall.catalogue.case(*LAND))
    asked = {
        ("auditor", "H56.90"): HTTPStatus.OK,
        ("specialist", "H56.92.01"): HTTPStatus.OK,
        ("desk", "H56.97.30"): HTTPStatus.NOT_FOUND,
        ("citizen", ""): HTTPStatus.FORBIDDEN,
    }
    answers = {
        caller: (await hall.http.get(f"/v1/dossiers/{code}/history", headers=hall.bearer(*caller))).status_code
        for caller in asked
    }
    assert answers == asked
