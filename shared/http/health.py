"""What a process says about itself: alive, ready, whether it keeps up, its metrics, its version."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Literal

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Gauge, Histogram, generate_latest
from pydantic import BaseModel
from starlette.responses import JSONResponse, PlainTextResponse, Response

from shared.loops import rest
from shared.observability import clean

Check = Callable[[], Awaitable[str | None]]
"""Answers None when this part is ready, else the reason why it is not."""

READY = Gauge("motcua_ready", "1 while this part of the process can do its work, as /readyz has it.", ["check"])
LATE = Histogram(
    "motcua_event_loop_lag_seconds",
    "How much later than asked for the event loop came back to a task that looks every 2 s.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)

CHECK_SECONDS = 3.0
READY_SECONDS = 2.0
SNAPSHOT_SECONDS = 5.0
REFRESH_SECONDS = 2.0


class Health:
    """Alive and ready, with reasons. `stopping` makes the process not ready for good."""

    def __init__(self, checks: Mapping[str, Check] | None = None, pulses: Mapping[str, Check] | None = None) -> None:
        self.checks: dict[str, Check] = dict(checks or {})
        self.pulses: dict[str, Check] = dict(pulses or {})
        self.stopping = False
        self._asked: asyncio.Future[dict[str, str]] | None = None

    async def not_ready(self) -> dict[str, str]:
        """Ask every check at once; what does not answer within 3 s is not ready. All who wait share one answer."""
        if self.stopping:
            return {"process": "stopping"}
        if self._asked is None or self._asked.done():
            self._asked = asyncio.ensure_future(_reasons(self.checks))
        return await asyncio.shield(self._asked)

    async def run(self, stop: asyncio.Event) -> None:
        """Keep `motcua_ready` young until `stop`: nobody scrapes /readyz."""
        while not stop.is_set():
            reasons = await self.not_ready()
            for check in self.checks:
                READY.labels(check).set(check not in reasons)
            await rest(stop, READY_SECONDS)

    async def not_alive(self) -> dict[str, str]:
        """Ask whether the loops still turn; nothing outside the process is asked."""
        return await _reasons(self.pulses)


async def _reasons(checks: Mapping[str, Check]) -> dict[str, str]:
    reasons = await asyncio.gather(*(_ask(check) for check in checks.values()))
    return {name: reason for name, reason in zip(checks, reasons, strict=True) if reason is not None}


async def _ask(check: Check) -> str | None:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except TimeoutError:
        return f"gave no answer within {CHECK_SECONDS:.0f} s"
    except Exception as error:  # noqa: BLE001 - whatever a check raises is a reason not to be ready
        return f"{type(error).__name__}: {clean(error)}"


class MetricsSnapshot:
    """The text of /metrics, at most 5 s old; a task refreshes it, and its age is exported beside it."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._registry = registry
        self._text = b""
        self._taken = float("-inf")

    async def run(self, stop: asyncio.Event) -> None:
        """Refresh every 2 s until `stop`, and note how punctually the event loop comes back."""
        while not stop.is_set():
            self._refresh()
            asleep = time.monotonic()
            if not await rest(stop, REFRESH_SECONDS):
                LATE.observe(max(time.monotonic() - asleep - REFRESH_SECONDS, 0))

    def _refresh(self) -> None:
        self._text, self._taken = generate_latest(self._registry), time.monotonic()

    def text(self) -> bytes:
        """Return the snapshot and its age; a stale one (the task is late) is taken anew."""
        if time.monotonic() - self._taken > SNAPSHOT_SECONDS:
            self._refresh()
        age = time.monotonic() - self._taken
        return self._text + (
            b"# HELP motcua_metrics_snapshot_age_seconds Age of this snapshot.\n"
            b"# TYPE motcua_metrics_snapshot_age_seconds gauge\n"
            b"motcua_metrics_snapshot_age_seconds %.3f\n" % age
        )


class State(BaseModel):
    """How a process is; `reasons` names each part that fails, and why."""

    status: Literal["ok", "failing"]
    reasons: dict[str, str]


_FAILING: dict[int | str, dict[str, Any]] = {503: {"model": State}}


def health_router(service: str, version: str, health: Health, snapshot: MetricsSnapshot) -> APIRouter:
    """Routes that every service has: /livez, /readyz, /metrics, /version."""
    router = APIRouter(tags=["process"])

    @router.get(
        "/livez", response_model=State, responses=_FAILING, summary="Does the process turn? 503 means: restart me."
    )
    async def livez() -> Response:
        return _status(await health.not_alive())

    @router.get("/readyz", response_model=State, responses=_FAILING, summary="May it get traffic? 503 lists why not.")
    async def readyz() -> Response:
        return _status(await health.not_ready())

    @router.get("/metrics", response_class=PlainTextResponse, summary="Prometheus metrics, at most 5 s old.")
    async def metrics() -> Response:
        return Response(snapshot.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    @router.get("/version", summary="Which service in which version.")
    async def show_version() -> dict[str, str]:
        return {"service": service, "version": version}

    return router


def _status(reasons: Mapping[str, str]) -> Response:
    status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
    body = {"status": "failing" if reasons else "ok", "reasons": dict(reasons)}
    return JSONResponse(body, status, headers={"Cache-Control": "no-store"})
