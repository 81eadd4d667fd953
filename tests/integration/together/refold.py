"""The clock of a dossier, folded again from its facts by the witness that shares no code with the rulebook."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.clocks import OFFICE_ZONE
from tests.integration.together.everywhere import Everywhere
from tests.integration.together.situations import LAW
from tests.unit.rulebook.witness import answer

Clock = tuple[datetime | None, datetime | None]
"""Of one limit: the due moment, or since when it is paused."""
UNITS = {"working_days": "working_day", "calendar_days": "calendar_day", "same_day": "same_day"}
BEGIN_OR_END = {
    "supplement_requested": "supplement_requested",
    "payment_demanded": "payment_demanded",
    "payment_recorded": "payment_made",
}
MOVERS = frozenset({*BEGIN_OR_END, "papers_received", "supplement_received", "clock_paused", "clock_resumed"})
"""Facts that may move a due moment: nothing else does."""

HISTORY = """
select j.subject, split_part(j.type, '.', 4) as kind, j.legal_time, convert_from(j.body, 'utf8') as body
from {}.journal j where j.subject = any($1::text[]) and j.topic like '%lifecycle%' order by j.seq
"""
STORED = """
select code, state, procedure_code, case_code, statutory_due, statutory_paused_since,
    promised_due, promised_paused_since, finished_at, finished_late_at, closed_at
from processing.cases where code = any($1::text[])
"""


def _cases() -> Iterator[tuple[tuple[str, str], Mapping[str, str]]]:
    with (LAW / "catalogue.csv").open(encoding="utf-8", newline="") as file:
        yield from (((row["procedure_code"], row["case_code"]), row) for row in csv.DictReader(file))


CATALOGUE = dict(_cases())


async def stored(everywhere: Everywhere, codes: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    return {row["code"]: row for row in await everywhere.database.fetch(STORED, codes)}


async def history(everywhere: Everywhere, codes: Sequence[str]) -> dict[str, list[tuple[str, datetime, Any]]]:
    """Kind, legal time and body of every fact of these dossiers, intake's first, each service's in its order."""
    found: dict[str, list[tuple[str, datetime, Any]]] = {code: [] for code in codes}
    for service in ("intake", "processing"):
        for code, kind, at, body in await everywhere.database.fetch(HISTORY.format(service), codes):
            found[code].append((kind, at.astimezone(OFFICE_ZONE), json.loads(body)))
    return found


def clock_of(case: Mapping[str, Any]) -> dict[str, Clock]:
    """The stored clock: what is paused has no due moment."""
    found = {}
    for limit in ("statutory", "promised"):
        since = case[f"{limit}_paused_since"]
        found[limit] = (None, since) if since else (case[f"{limit}_due"], None)
    return found


def refolded(case: Mapping[str, Any], facts: Sequence[tuple[str, datetime, Any]]) -> dict[str, Clock]:
    """Both limits, reckoned date by date from what was journaled about a dossier."""
    law = CATALOGUE[case["procedure_code"], case["case_code"]]
    accepted = next(at for kind, at, _ in facts if kind == "accepted")
    events = [{"type": kind, "at": _naive(at)} for kind, at in _events(facts)]
    found = {}
    for limit in ("statutory", "promised"):
        line = {
            "limit": {
                "unit": UNITS[law["limit_kind"]],
                "n": int(law[limit] or 0),
                **({"cutoff": law["cut_off"]} if law["cut_off"] else {}),
            },
            "received": _naive(accepted),
            "supplement_policy": law["supplement_policy"],
            "events": events,
        }
        told = answer(line)
        found[limit] = (_moment(told["due_at"]), _moment(told.get("paused_since")))
    return found


def _events(facts: Sequence[tuple[str, datetime, Any]]) -> Iterator[tuple[str, datetime]]:
    """What began and ended pauses; after acceptance papers complete a supplement, before it they are none of it."""
    accepted = False
    for kind, at, body in facts:
        accepted = accepted or kind == "accepted"
        if kind in BEGIN_OR_END:
            yield BEGIN_OR_END[kind], at
        elif kind == "papers_received" and accepted and not body["missing"]:
            yield "supplement_completed", at
        elif kind in {"clock_paused", "clock_resumed"}:
            yield f"{body['period']}_{'started' if kind == 'clock_paused' else 'ended'}", at


def _naive(at: datetime) -> str:
    return at.astimezone(OFFICE_ZONE).replace(tzinfo=None).isoformat(timespec="seconds")


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
