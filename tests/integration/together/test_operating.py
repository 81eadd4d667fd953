"""An operator at the running stack: status, tokens, chains that hold, and what is parked and why."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from email import message_from_bytes
from email.policy import default
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiosmtpd.smtp import SMTP

from deploy.local.folder import write_private
from deploy.local.services import SERVICES
from deploy.local.stack import ALL_PARTS, Stack
from deploy.secret_files import JWKS_SECRET
from shared.contracts.topics import LIFECYCLE
from shared.messaging.connection import connection
from tests.clients import plain_client
from tests.integration.intake.counter import COMMUNE, Counter
from tests.integration.together.everywhere import Everywhere, filed, grown
from tests.operating import as_json, begin, motcua, succeed
from tests.waiting import until

BAD_BODY = b'{"not": "a fact"}'


@asynccontextmanager
async def producer(stack: Stack) -> AsyncIterator[AIOKafkaProducer]:
    client = AIOKafkaProducer(**connection(stack.kafka_login()))
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


async def test_all_parts_are_up_and_healthy(stack: Stack) -> None:
    found = await as_json(stack, "status")
    assert found["healthy"] is True
    assert {part["name"] for part in found["parts"]} == set(ALL_PARTS)


async def test_a_token_from_the_command_line_is_believed(stack: Stack) -> None:
    code, out, _ = await motcua(stack, "token", "--role", "desk", "--agency", COMMUNE)
    assert code == 0
    async with plain_client(base_url=stack.urls["processing"]) as http:
        answer = await http.get("/v1/worklist", headers={"Authorization": f"Bearer {out.strip()}"})
    assert answer.status_code == 200
    assert (await motcua(stack, "token", "--role", "emperor"))[0] == 2


async def test_a_rotated_key_signs_at_once_and_the_old_one_ends_while_the_services_run(stack: Stack) -> None:
    async def answers(token: str) -> set[int]:
        """What the services say to an operator who shows this token."""
        headers = {"Authorization": f"Bearer {token}"}
        async with plain_client(headers=headers) as http:
            urls = [f"{url}/internal/v1/quiet" for url in stack.urls.values()]
            return {answer.status_code for answer in await asyncio.gather(*map(http.get, urls))}

    async def all_say(status: int) -> bool:
        return await answers(old) == {status}

    keys, old = stack.folder.secrets / JWKS_SECRET, stack.token("operator")
    kept = keys.read_bytes()
    try:
        assert await all_say(200)
        listed = await succeed(stack, "token-keys", "rotate")
        assert [line.split()[2] for line in listed.splitlines()] == ["signs", "verifies"]
        new = stack.token("operator")
        assert await answers(new) == await answers(old) == {200}
        await succeed(stack, "token-keys", "rotate", "--overlap-hours", "0")
        await until(partial(all_say, 401), "the old key verifies nothing more")
        assert await answers(stack.token("operator")) == {200}
    finally:
        write_private(keys, kept)
        await until(partial(all_say, 200), "the first key is back")


async def test_every_chain_holds_until_somebody_edits_a_fact(stack: Stack, counter: Counter) -> None:
    code = (await counter.hand_in(await counter.filing())).json()["code"]
    assert await as_json(stack, "verify", "chain") == []
    heads = await as_json(stack, "verify", "heads", "--service", "intake")
    assert [LIFECYCLE.name, code] in [[head["topic"], head["subject"]] for head in heads["intake"]["heads"]]
    forge = "update intake.journal set legal_time = legal_time + make_interval(secs => $2) where subject = $1"
    async with counter.database.transaction():
        await counter.database.execute("set local session_replication_role = replica")  # as who owns the server can
        await counter.database.execute(forge, code, 1)
    try:
        status, out, _ = await motcua(stack, "verify", "chain", "--json")
        assert status == 4
        assert {(row["service"], row["subject"]) for row in json.loads(out)} == {("intake", code)}
    finally:
        async with counter.database.transaction():
            await counter.database.execute("set local session_replication_role = replica")
            await counter.database.execute(forge, code, -1)
    assert await as_json(stack, "verify", "chain") == []


async def test_history_is_held_against_what_was_published_on_the_board_as_a_file_and_by_mail(
    stack: Stack, counter: Counter, tmp_path: Path
) -> None:
    code = (await counter.hand_in(await counter.filing())).json()["code"]
    async with mail_server() as (server, letters):
        words = ("--to", str(tmp_path), "--mail-to", "luu-tru@vi-du.example", "--mail-from", "mot-cua@vi-du.example")
        file = Path((await succeed(stack, "verify", "publish", *words, "--mail-server", server)).strip())
    kept = {service: journal["root"] for service, journal in json.loads(file.read_text("utf-8")).items()}
    assert kept.keys() == {"intake", "processing", "notification"}
    async with plain_client(base_url=stack.urls["metrics"]) as http:
        first = (await http.get("/v1/history/roots", params={"limit": 2})).json()
        second = (await http.get("/v1/history/roots", params={"limit": 1, "cursor": first["next_cursor"]})).json()
        board = (await http.get("/")).text
        for wrong in ("x", "WzFd" * 20):
            assert (await http.get("/v1/history/roots", params={"cursor": wrong})).status_code == 422
    assert {each["service"]: each["root"] for each in [*first["items"], *second["items"]]} == kept
    await until(partial(exported, stack, int(datetime.fromisoformat(first["items"][0]["published_at"]).timestamp())))
    [letter] = letters
    for root in kept.values():
        assert root in board
        assert root in letter
    assert code not in board + letter
    assert await as_json(stack, "verify", "history", "--heads", str(file)) == []

    forged = tmp_path / "forged.json"
    forged.write_text(file.read_text("utf-8").replace(f'"{code}"', '"H56.97.21-200102-9999"'), "utf-8")
    assert (await motcua(stack, "verify", "history", "--heads", str(forged)))[0] == 4
    whole = json.loads(file.read_text("utf-8"))
    for left in ({}, {"notification": whole["notification"]}):
        forged.write_text(json.dumps(left), "utf-8")
        assert (await motcua(stack, "verify", "history", "--heads", str(forged)))[0] == 4, "what it lacks goes unread"
    forged.write_text("[]", "utf-8")
    assert (await motcua(stack, "verify", "history", "--heads", str(forged)))[0] == 2
    async with dropped(counter, code):
        status, out, _ = await motcua(stack, "verify", "history", "--heads", str(file), "--json")
        alone = await as_json(stack, "verify", "chain", "--service", "intake")
    assert (status, {(row["subject"], row["what"]) for row in json.loads(out)}) == (
        4,
        {(code, "was published, and its whole chain is gone")},
    )
    assert alone == [], "the journal by itself does not show it"


async def exported(stack: Stack, second: int) -> bool:
    """Whether the figure by which a missed day is noticed says this moment."""
    async with plain_client(base_url=stack.urls["metrics"]) as http:
        page = (await http.get("/metrics")).text
    return int(float(page.split("\nmotcua_history_published_timestamp_seconds ")[1].split()[0])) == second


@asynccontextmanager
async def mail_server() -> AsyncIterator[tuple[str, list[str]]]:
    """A mail server of another body: where it is, and the texts of what it gets."""
    letters: list[str] = []

    class Keeper:
        async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
            body = message_from_bytes(envelope.content, policy=default).get_body()
            letters.append(body.get_content())
            return "250 OK"

    protocol = partial(SMTP, Keeper(), hostname="keeper.example")
    async with await asyncio.get_running_loop().create_server(protocol, "127.0.0.1") as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", letters


@asynccontextmanager
async def dropped(counter: Counter, code: str) -> AsyncIterator[None]:
    """Take a dossier out of intake's history for a while, as who owns the server can."""

    async def change(*statements: str) -> None:
        async with counter.database.transaction():
            await counter.database.execute("set local session_replication_role = replica")
            for table in ("journal", "journal_heads"):
                for statement in statements:
                    await counter.database.execute(statement.format(table))

    of_it = f"intake.{{0}} where subject = '{code}'"
    await change(f"create temporary table kept_{{0}} as select * from {of_it}", f"delete from {of_it}")
    try:
        yield
    finally:
        await change("insert into intake.{0} select * from kept_{0}", "drop table kept_{0}")


async def parks(counter: Counter, *services: str) -> bool:
    """Whether each of these has something parked: a look that costs less than a command."""
    return all([await counter.database.fetchval(f"select count(*) from {service}.parked") for service in services])


@pytest.fixture
async def poisoned(stack: Stack, counter: Counter) -> str:
    """A dossier on whose key somebody put a record that is no fact."""
    code = (await counter.hand_in(await counter.filing())).json()["code"]
    assert await as_json(stack, "parked", "list") == []
    async with producer(stack) as client:
        await client.send_and_wait(LIFECYCLE.name, key=code.encode(), value=BAD_BODY)
    return str(code)


def logged(stack: Stack, service: str, event: str) -> list[Any]:
    """The lines of a service's log about an event."""
    lines = (stack.folder.logs / f"{service}.log").read_text("utf-8").splitlines()
    return [line for line in map(json.loads, lines) if line["event"] == event]


async def test_what_is_parked_is_listed_and_shown_and_the_flow_goes_on_until_it_is_dropped(
    stack: Stack, counter: Counter, poisoned: str
) -> None:
    await until(partial(parks, counter, *SERVICES))
    rows = await as_json(stack, "parked", "list")
    assert {row["service"] for row in rows} == set(SERVICES)
    for row in rows:
        assert (row["kind"], row["topic"]) == ("undecodable", LIFECYCLE.name)
        assert row["reason"]
        told = logged(stack, row["service"], "bytes parked")
        assert (row["partition"], row["offset"]) in [(line["partition"], line["offset"]) for line in told]
        code, out, _ = await motcua(stack, "parked", "show", row["service"], str(row["id"]))
        assert code == 0
        assert json.loads(out)["value"] == BAD_BODY.decode()
    assert len(await as_json(stack, "parked", "list", "--service", "metrics", "--kind", "undecodable")) == 1
    assert await as_json(stack, "parked", "list", "--kind", "gap") == []
    replayed = ("parked", "replay", str(row["id"]), "--service", row["service"], "--apply")
    assert (await motcua(stack, *replayed))[0] == 1, "bytes that are no fact cannot be replayed"
    assert (await motcua(stack, "parked", "show", "intake", "999999"))[0] == 1
    assert (await motcua(stack, "parked", "list", "--service", "nobody"))[0] == 2
    after = (await counter.hand_in(await counter.filing())).json()["code"]

    async def opened() -> bool:
        found = "select count(*) from processing.cases where code = any($1)"
        return bool(await counter.database.fetchval(found, [poisoned, after]) == 2)

    await until(opened)
    why = ("--reason", "put there by a test")
    for row in await as_json(stack, "parked", "list"):
        assert (await motcua(stack, "parked", "drop", row["service"], str(row["id"]), *why))[0] == 0
    assert (await motcua(stack, "parked", "drop", row["service"], str(row["id"]), *why))[0] == 1
    assert (await motcua(stack, "parked", "drop", row["service"], str(row["id"]), "--reason", " "))[0] == 2
    assert await as_json(stack, "parked", "list") == []


BREAK = """
create function {schema}.break_opening() returns trigger language plpgsql as $$
begin
    raise exception 'planted';
end
$$;
create trigger break_opening before insert on {schema}.{table} for each row execute function {schema}.break_opening()
"""
MEND = "drop function if exists {schema}.break_opening cascade"


@asynccontextmanager
async def parked_by(stack: Stack, counter: Counter, **tables: str) -> AsyncIterator[str]:
    """Yield a dossier that these services could not write into these tables, and parked; all is mended at the end."""
    try:
        for schema, table in tables.items():
            await counter.database.execute(BREAK.format(schema=schema, table=table))
        code = str((await counter.hand_in(await counter.filing())).json()["code"])

        await until(partial(parks, counter, *tables))
        rows = await as_json(stack, "parked", "list", "--subject", code)
        assert [(row["service"], row["kind"]) for row in rows] == [(service, "poison") for service in tables]
        for service in tables:
            parked = logged(stack, service, "fact parked")
            assert [line["topic"] for line in parked if line["subject"] == code] == [LIFECYCLE.name]
        yield code
    finally:
        for schema in tables:
            await counter.database.execute(MEND.format(schema=schema))


async def replay(stack: Stack, expected: int, *words: str) -> list[tuple[str, str, bool]]:
    """Type a replay that must end so; what it says of each fact."""
    code, out, errors = await motcua(stack, "parked", "replay", *words, "--json")
    assert code == expected, errors
    return [(row["service"], row["outcome"], row["changed"]) for row in json.loads(out)]


async def test_a_parked_dossier_is_replayed_by_its_code_while_the_services_run(stack: Stack, counter: Counter) -> None:
    async def opened() -> bool:
        return bool(await counter.database.fetchval("select count(*) from processing.cases where code = $1", broken))

    async with parked_by(stack, counter, processing="cases") as broken:
        assert await replay(stack, 4, broken) == [("processing", "still fails", False)]
        assert await replay(stack, 4, broken, "--apply") == [("processing", "still fails", False)]
        [row] = await as_json(stack, "parked", "list", "--service", "processing")
        assert "planted" in row["reason"]
        await counter.database.execute(MEND.format(schema="processing"))
        assert await replay(stack, 0, broken) == [("processing", "applied", False)]
        assert not await opened()
        assert (await motcua(stack, "parked", "replay", str(row["id"]), "--apply"))[0] == 2
        by_id = (str(row["id"]), "--service", "processing", "--apply")
        assert await replay(stack, 0, *by_id) == [("processing", "applied", True)]
        assert await opened()
        assert await as_json(stack, "parked", "list") == []
        assert (await motcua(stack, "parked", "replay", broken, "--apply"))[0] == 1


async def test_a_replay_that_is_stopped_in_the_middle_says_what_is_done(stack: Stack, counter: Counter) -> None:
    async with parked_by(stack, counter, processing="cases", metrics="dossiers") as broken:
        for schema in ("processing", "metrics"):
            await counter.database.execute(MEND.format(schema=schema))
        async with counter.database.transaction():
            await counter.database.execute("select from metrics.cursors where subject = $1 for update", broken)
            assert await replay(stack, 1, broken, "--apply") == [("processing", "applied", True)]
        assert await replay(stack, 0, broken, "--apply") == [("metrics", "applied", True)]
        assert await as_json(stack, "parked", "list") == []


UNPUBLISHABLE = """
insert into processing.parked (kind, topic, subject, source, seq, type, headers, reason, attempts, parked_at)
values ('unpublishable', $1, $2, 'processing', 1, 'vn.motcua.dossier.step-taken.v1', '[]', 'too large', 1, now())
"""


async def test_where_a_fact_still_fails_nothing_goes_to_the_relay_and_other_services_are_done(
    stack: Stack, counter: Counter
) -> None:
    async with parked_by(stack, counter, processing="cases", metrics="dossiers") as broken:
        await counter.database.execute(UNPUBLISHABLE, LIFECYCLE.name, broken)
        await counter.database.execute(MEND.format(schema="metrics"))
        stays = [("processing", "still fails", False), ("processing", "waits behind it", False)]
        assert await replay(stack, 4, broken) == [*stays, ("metrics", "applied", False)]
        assert await replay(stack, 4, broken, "--apply") == [*stays, ("metrics", "applied", True)]
        assert [row["kind"] for row in await as_json(stack, "parked", "list")] == ["poison", "unpublishable"]
        await counter.database.execute(MEND.format(schema="processing"))
        done = [("processing", "applied", True), ("processing", "goes to the relay again", True)]
        assert await replay(stack, 0, broken, "--apply") == done
        assert await as_json(stack, "parked", "list") == []


async def delete_topic(stack: Stack, name: str) -> None:
    admin = AIOKafkaAdminClient(**connection(stack.kafka_login()))
    await admin.start()
    try:
        answer = await admin.delete_topics([name])
        assert [code for _, code, *_ in answer.topic_error_codes] == [0]
    finally:
        await admin.close()


async def records_on(stack: Stack) -> int:
    """How many records the lifecycle topic holds."""
    client = AIOKafkaConsumer(**connection(stack.kafka_login()))
    await client.start()
    try:
        places = [TopicPartition(LIFECYCLE.name, number) for number in range(LIFECYCLE.partitions)]
        return sum((await client.end_offsets(places)).values())
    finally:
        await client.stop()


async def test_a_lost_topic_is_refilled_while_the_services_run_and_an_interrupted_refill_is_resumed(
    stack: Stack, counter: Counter, everywhere: Everywhere
) -> None:
    refill = ("republish", "--from", "intake", "--from", "processing", "--topic", LIFECYCLE.name)
    for _ in range(20):
        await counter.hand_in(await counter.filing())
    before = await everywhere.look()
    facts = await counter.database.fetchval(
        "select (select count(*) from intake.journal where topic = $1)"
        " + (select count(*) from processing.journal where topic = $1)",
        LIFECYCLE.name,
    )
    await delete_topic(stack, LIFECYCLE.name)
    assert (await motcua(stack, *refill))[0] == 1
    assert LIFECYCLE.name in (await motcua(stack, "provision"))[1]
    assert await records_on(stack) == 0

    bookmark = stack.folder.path / "republish.json"
    slow = await begin(stack, *refill, "--rate", "1")

    async def begun() -> bool:
        return bookmark.exists()

    await until(begun)
    slow.send_signal(signal.SIGINT)
    await slow.communicate()
    there = await records_on(stack)
    assert 0 < there < facts, "the refill was not interrupted in its middle"
    rest = await as_json(stack, *refill, "--resume")
    assert [row["service"] for row in rest] == ["intake", "processing"]
    assert there + sum(row["facts"] for row in rest) == facts == await records_on(stack)
    assert not bookmark.exists()

    assert grown(before, await everywhere.look()) == {}
    after = (await counter.hand_in(await counter.filing())).json()["code"]
    assert grown(before, await everywhere.look()) == filed(after)
