"""Faults 1 to 5 and 35: intake dies, its clients misbehave, or it has no file descriptor left."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections import Counter
from typing import Any

from deploy.demo.offices import Officer, dossier_body
from shared.http.wire import ConnectionLost, Wire
from tests.faults.signals import DidNotStrike, forget_peak, memory_of
from tests.faults.town import Scene, Town
from tests.waiting import until

TWINS = 50
SLOW_SOCKETS = {False: 60, True: 500}
NESTING = 50_000
HUGE, PIECE = 100 * 1024 * 1024, 64 * 1024
MOST_GONE = 200


async def killed_again_and_again(scene: Scene, part: str) -> list[int]:
    """Kill a part so often as the size says, each time at a moment of the seed; answers who died."""
    dead = []
    for _ in range(scene.size.times):
        await asyncio.sleep(scene.draw.random() * 0.3)  # the moment of the kill is the fault's, not ours
        victim = await scene.stack.kill(part)
        scene.let_go()
        await scene.stack.wait_ready(part)
        if scene.stack.pid(part) == victim.pid:
            raise DidNotStrike(f"{part} is still process {victim.pid}")
        dead.append(victim.pid)
    return dead


async def killed(scene: Scene) -> str:
    since = len(scene.town.answers())
    filing = asyncio.create_task(_file_until_refused(scene, since))
    dead = await killed_again_and_again(scene, "intake")
    refused = await filing
    return f"kills: {len(dead)}, another process after each; {refused} requests got no answer and were repeated"


async def _file_until_refused(scene: Scene, since: int) -> int:
    """File one dossier after the other until a request got no answer; answers how many got none."""

    async def unanswered() -> int:
        await scene.load.more(1)
        return sum(line["status"] is None for line in scene.town.answers(since))

    return await until(unanswered)


def request_of(town: Town, key: str) -> tuple[str, dict[str, Any], bytes]:
    """Make a filing: the token of its desk, its body, and the whole request as bytes."""
    arrival = town.arrival()
    desk = Officer(arrival.place.code, "desk")
    token, body = town.tokens(desk.role, desk.agency, desk.subject), dossier_body(arrival)
    content = json.dumps(body).encode()
    head = (
        f"POST /v1/dossiers HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {token}\r\n"
        f"idempotency-key: {key}\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    return token, body, head.encode() + content


async def client_gone(scene: Scene) -> str:
    """Send a whole filing and reset the connection; then ask again with the same key, until some had arrived."""
    town, gone, since = scene.town, 0, len(scene.town.answers())

    def arrived() -> int:
        """Count the filings whose first answer, after the reset, was a stored one."""
        firsts = {line["key"]: line for line in reversed(town.answers(since)) if str(line["key"]).startswith("gone-")}
        return sum(bool(line.get("replayed")) for line in firsts.values())

    for number in range(MOST_GONE):
        if number >= 4 * scene.size.times and arrived():
            break
        key = f"gone-{town.seed}-{town.recorded}-{number}"
        token, body, request = request_of(town, key)
        with socket.create_connection(("127.0.0.1", scene.stack.ports.intake)) as raw:
            raw.sendall(request)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        gone += 1
        answers = [await town.callers["intake"].post("/v1/dossiers", token, key, body) for _ in range(2)]
        if answers[0].body != answers[1].body:
            raise DidNotStrike(f"{key} was answered in two ways")
    if not arrived():
        raise DidNotStrike(f"none of {gone} requests arrived before its connection was reset")
    return f"{gone} connections reset behind their request, {arrived()} of which had arrived"


async def twins(scene: Scene) -> str:
    """File the same dossier under the same key many times at once."""
    town, since = scene.town, len(scene.town.answers())
    key = f"twins-{town.seed}-{town.recorded}"
    token, body, _ = request_of(town, key)
    caller = town.callers["intake"]
    await asyncio.gather(*(caller.post("/v1/dossiers", token, key, body) for _ in range(TWINS)))
    seen = Counter(
        "replayed" if line.get("replayed") else line["status"] for line in town.answers(since) if line["key"] == key
    )
    if not seen["replayed"]:
        raise DidNotStrike("no twin met another")
    return f"{TWINS} twins: {seen['replayed']} got the stored answer, {seen[409]} were asked to wait"


async def slowloris(scene: Scene) -> str:
    """Hold many connections that say a byte now and then; others must be served meanwhile, and these be cut."""
    wanted = SLOW_SOCKETS[scene.size.full]
    async with contextlib.AsyncExitStack() as stack:
        lines = []
        for _ in range(wanted):
            reader, writer = await asyncio.open_connection("127.0.0.1", scene.stack.ports.intake)
            stack.callback(writer.transport.abort)
            writer.write(b"POST /v1/dossiers HTTP/1.1\r\n")
            lines.append((reader, writer))
        serving = scene.load.begin(3)
        for letter in b"host: ":
            for _, writer in lines:
                writer.write(bytes([letter]))
            await asyncio.sleep(scene.size.hold / 10)  # the trickle itself
        await serving
        if not scene.size.full:
            return f"{wanted} trickling connections while others were served"
        answers = [await reader.readline() for reader, _ in lines]
        if not all(b" 408 " in answer for answer in answers):
            raise DidNotStrike(f"they were answered {set(answers)}")
    return f"{wanted} trickling connections while others were served; then they were cut"


async def oversized(scene: Scene) -> str:
    """Send what no desk sends: a body of 100 MB, one in endless chunks, one nested thousands deep."""
    port, pid = scene.stack.ports.intake, scene.stack.pid("intake")
    forget_peak(pid)
    before = memory_of(pid, "VmRSS")
    told = await _streamed(port, f"content-length: {HUGE}", b"x" * PIECE)
    endless = await _streamed(port, "transfer-encoding: chunked", b"%x\r\n%b\r\n" % (PIECE, b"x" * PIECE))
    token, *_ = request_of(scene.town, "never")
    headers = {
        "authorization": f"Bearer {token}",
        "idempotency-key": f"deep-{scene.town.recorded}",
        "content-type": "application/json",
    }
    with contextlib.closing(Wire("127.0.0.1", port)) as wire:
        deep = await wire.request("POST", "/v1/dossiers", headers, b"[" * NESTING + b"]" * NESTING)
    statuses = [told, endless, deep.status]
    if statuses != [413, 413, 422]:
        raise DidNotStrike(f"answered {statuses}")
    peak = memory_of(pid, "VmHWM")
    scene.town.recorder.note("peaks", {"row": 5, "part": "intake", "before_kb": before, "peak_kb": peak})
    return (
        f"100 MB, chunks and {NESTING} nested lists were answered {statuses};"
        f" memory rose from {before // 1000} MB to {peak // 1000} at most"
    )


async def _streamed(port: int, length: str, piece: bytes) -> int:
    """Send a body piece by piece until it is answered; answers the status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /v1/dossiers HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n{length}\r\n\r\n"

    async def send() -> None:
        writer.write(head.encode())
        for _ in range(HUGE // PIECE):
            writer.write(piece)
            await writer.drain()

    sending = asyncio.create_task(send())
    try:
        line = await asyncio.wait_for(reader.readline(), 20)
    finally:
        sending.cancel()
        writer.transport.abort()
    return int(line.split()[1])


async def out_of_files(scene: Scene) -> str:
    """Leave intake no file descriptor for another connection."""
    import resource  # noqa: PLC0415 - one fault needs it

    pid = scene.stack.pid("intake")
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (8, before[1]))
    try:
        with contextlib.closing(Wire("127.0.0.1", scene.stack.ports.intake, timeout_seconds=1, kept_seconds=0)) as wire:

            async def turned_away() -> bool:
                try:
                    await wire.request("GET", "/livez")
                except ConnectionLost:
                    return True
                return False

            await until(turned_away)
    finally:
        with contextlib.suppress(ProcessLookupError):  # it may have ended itself: another process stands there then
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        scene.let_go()
    await scene.load.more(1)
    fate = "went on when it had them back" if scene.stack.pid("intake") == pid else "ended and was started again"
    return f"without another file descriptor intake took no more connections; it {fate}"
