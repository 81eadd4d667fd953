"""A dossier, its supplement, its history and its notice are written as one: where one part fails, none is there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus

from tests.integration.processing.hall import DISTRICT_DESK, Hall
from tests.waiting import until

SHORT, DESK, KEY = ("2.000528", "default"), ("desk", DISTRICT_DESK), "whole-or-nothing"
PARTS: Mapping[str, str] = {
    "cases": "code",
    "halts": "code",
    "duties": "code",
    "timers": "code",
    "journal": "subject",
    "journal_heads": "subject",
    "unsent": "subject",
}
"""What a request for papers writes: the dossier, the supplement, who owes what and when, its history, and what the
relay sends to whoever tells the applicant. Of each table the column that names the dossier."""
TEAR = """
create function processing.torn() returns trigger language plpgsql as $$
declare
    wrote jsonb := to_jsonb(coalesce(new, old));
begin
    if '{code}' in (wrote ->> 'code', wrote ->> 'subject') then
        raise exception 'planted';
    end if;
    return coalesce(new, old);
end
$$;
create trigger torn before insert or update or delete on processing.{part}
    for each row execute function processing.torn();
"""
MEND = "drop function processing.torn cascade"

Rows = Mapping[str, set[str]]


@asynccontextmanager
async def torn(hall: Hall, part: str, code: str) -> AsyncIterator[None]:
    """Let nothing of a dossier be written to this table for a while."""
    await hall.database.execute(TEAR.format(code=code, part=part))
    try:
        yield
    finally:
        await hall.database.execute(MEND)


async def rows_of(hall: Hall, code: str) -> Rows:
    """Every row that a dossier has in these tables, whole."""
    query = "select row::text from processing.{} as row where {} = $1"
    return {
        part: {row for (row,) in await hall.database.fetch(query.format(part, named), code)}
        for part, named in PARTS.items()
    }


async def test_weakness_6_no_part_of_a_request_for_papers_is_there_without_all_others(hall: Hall) -> None:
    await hall.tomorrow()
    code = await hall.accept(hall.catalogue.case(*SHORT))
    body = {"papers": ["tk-khai-sinh"]}
    before = await rows_of(hall, code)
    for part in PARTS:
        async with torn(hall, part, code):
            answer = await hall.act(code, "request_supplement", DESK, 1, body, **{"Idempotency-Key": KEY})
        assert answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR, part
        assert await rows_of(hall, code) == before, part

    answer = await hall.act(code, "request_supplement", DESK, 1, body, **{"Idempotency-Key": KEY})
    assert (answer.status_code, answer.json()["state"]) == (HTTPStatus.OK, 5), answer.text
    after = await rows_of(hall, code)
    assert {part for part in PARTS if after[part] != before[part]} >= PARTS.keys() - {"unsent"}
    assert [name for name, _ in await hall.facts_of(code)] == ["supplement_requested"]

    async def went_out() -> bool:
        return not (await rows_of(hall, code))["unsent"]

    await until(went_out, "the fact of which the notice is made went to the topic")
