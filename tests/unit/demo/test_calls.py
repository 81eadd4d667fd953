from __future__ import annotations

import asyncio

import pytest

from deploy.demo.calls import Caller, Refused
from tests.unit.shared.small_server import Serve, answer, read_request, served


async def test_a_lost_answer_is_asked_for_again_with_the_same_key() -> None:
    replies = [
        b"",
        answer("503 Service Unavailable", b"{}"),
        answer("409 Conflict", b'{"code":"request_in_flight"}'),
        answer("201 Created", b'{"code":"ok"}'),
    ]
    keys: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _ = await read_request(reader)
        keys.extend(line for line in head.split("\r\n") if line.startswith("idempotency-key"))
        writer.write(replies[len(keys) - 1])

    async with served(serve) as wire:
        caller = Caller(wire)
        assert (await caller.post("/v1/dossiers", "token", "key-1", {})).json() == {"code": "ok"}
    assert set(keys) == {"idempotency-key: key-1"}
    assert caller.sent == len(keys) >= 4
    assert caller.repeated == caller.in_vain == caller.sent - 1


async def test_replicas_are_asked_in_turn_and_a_lost_answer_of_one_is_asked_of_the_other() -> None:
    """The first replica reads each request and dies; the other answers the same keys."""
    heard: dict[str, list[str]] = {"dying": [], "living": []}

    def replica(name: str, reply: bytes) -> Serve:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head, _ = await read_request(reader)
            heard[name] += [line for line in head.split("\r\n") if line.startswith("idempotency-key")]
            writer.write(reply)

        return serve

    created = answer("201 Created", b'{"code":"ok"}')
    keys = [f"key-{number}" for number in range(6)]
    async with served(replica("dying", b"")) as dying, served(replica("living", created)) as living:
        caller = Caller(dying, living)
        await asyncio.gather(*(caller.post("/v1/dossiers", "token", key, {}) for key in keys))
    assert len(heard["dying"]) == len(keys) / 2
    assert sorted(heard["living"]) == [f"idempotency-key: {key}" for key in keys]
    assert caller.repeated == len(keys) / 2
    assert caller.in_vain == 0


async def test_a_refusal_is_told_with_its_code_and_not_repeated() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer("409 Conflict", b'{"code":"illegal_move","detail":"no"}'))

    async with served(serve) as wire:
        caller = Caller(wire)
        with pytest.raises(Refused) as refused:
            await caller.post("/", "token", "key", {}, version=3)
    assert (refused.value.status, refused.value.code) == (409, "illegal_move")
    assert caller.sent == 1


async def test_a_list_is_asked_for_again_until_none_of_its_answers_passes_by_itself() -> None:
    def listed(*answers: str) -> bytes:
        return answer("200 OK", f'{{"items":[{",".join(answers)}]}}'.encode())

    done, stale = '{"status":200,"answer":{"state":4}}', '{"status":412,"answer":{"code":"version_stale"}}'
    busy = '{"status":503,"answer":{"code":"dossier_busy"}}'
    running = '{"status":409,"answer":{"code":"request_in_flight"}}'
    replies = [listed(done, running), listed(done, busy), listed(done, stale)]
    keys: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _ = await read_request(reader)
        keys.extend(line for line in head.split("\r\n") if line.startswith("idempotency-key"))
        writer.write(replies[len(keys) - 1])

    async with served(serve) as wire:
        told = await Caller(wire).post_list("/v1/acts", "token", "key-1", {"acts": []})
    assert [each["status"] for each in told] == [200, 412]
    assert keys == ["idempotency-key: key-1"] * 3
