"""wrk as the client: prepared requests, one thread, a closed loop of connections; figures only where all was well."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from deploy.debian_tools import REMEDY, find
from tests.bench.rounds import Refused

SCRIPT = Path(__file__).with_name("wrk.lua")
CONNECTIONS = 40


@dataclass(frozen=True)
class Request:
    """One request; its last header is sent with another value each time: the idempotency key of a POST."""

    method: str
    target: str
    token: str
    body: bytes = b""

    def prepared(self) -> bytes:
        """Write it down for the script."""
        lines = [
            f"{self.method} {self.target} HTTP/1.1",
            "Host: 127.0.0.1",
            f"Authorization: Bearer {self.token}",
            *(("Content-Type: application/json", f"Content-Length: {len(self.body)}") if self.body else ()),
            "Idempotency-Key: " if self.body else "X-Request: ",
        ]
        head = "\r\n".join(lines).encode()
        return b"%d %d\n%s%s\n" % (len(head), len(self.body), head, self.body)


@dataclass(frozen=True)
class Load:
    """What came of one load; latencies in milliseconds."""

    answers: int
    per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


def binary() -> Path:
    """Find wrk. Raises Refused."""
    found = find("wrk")
    if found is None:
        raise Refused(f"wrk is missing: {REMEDY}")
    return found


def version() -> str:
    """Say which wrk it is."""
    if (found := find("wrk")) is None:
        return "not installed"
    said = subprocess.run([found, "-v"], capture_output=True, text=True, check=False)
    return (said.stdout or said.stderr).partition("Copyright")[0].removeprefix("wrk").strip()


async def load(
    port: int, requests: Sequence[Request], *, seconds: int, folder: Path, wanted: HTTPStatus = HTTPStatus.OK
) -> Load:
    """Send these requests in turn for so many seconds. Raises Refused unless every answer was the wanted one."""
    prepared, report = folder / "wrk.requests", folder / "wrk.json"
    prepared.write_bytes(b"".join(request.prepared() for request in requests))
    report.unlink(missing_ok=True)
    options = ("-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", SCRIPT)
    environment = {
        "PATH": os.environ["PATH"],
        "WRK_REQUESTS": str(prepared),
        "WRK_REPORT": str(report),
        "WRK_KEY": f"{uuid.uuid4().hex}-",
    }
    process = await asyncio.create_subprocess_exec(
        *(binary(), *options, f"http://127.0.0.1:{port}"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), seconds + 30)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0 or not report.exists():
        raise Refused(f"wrk ended with {process.returncode}: {said.decode('utf-8', 'replace')}")
    return judge(json.loads(report.read_bytes()), wanted)


def judge(report: Mapping[str, Any], wanted: HTTPStatus) -> Load:
    """Take the figures of a report. Raises Refused where an answer was another than wanted, or lost."""
    if report["statuses"].keys() != {str(int(wanted))} or report["lost"]:
        raise Refused(f"answers {report['statuses']}, lost {report['lost']}, where each should be {int(wanted)}")
    answers = report["statuses"][str(int(wanted))]
    latencies = {name: report[name] for name in ("p50_ms", "p95_ms", "p99_ms")}
    return Load(answers=answers, per_s=answers / report["seconds"], **latencies)
