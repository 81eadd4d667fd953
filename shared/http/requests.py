"""Around every request: its trace, its two metrics, its line in the log; and an answer when something broke.

Pure ASGI, so that nothing is buffered and no task is cancelled behind a handler's back.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import structlog
from prometheus_client import Counter, Gauge, Histogram
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.limits import PROBES
from shared.http.problems import Problem, render
from shared.messaging.faults import passes
from shared.observability import current_trace_id, traced

REQUESTS = Counter("motcua_http_requests_total", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "motcua_http_request_duration_seconds",
    "Time from the first byte of a request to the end of its answer.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
IN_FLIGHT = Gauge("motcua_http_requests_in_flight", "Requests that have begun and not ended.")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
CLIENT_GONE = 499
"""Stands in the metrics where nobody waited for an answer."""

log = structlog.get_logger("http")


class RequestContext:
    """ASGI middleware: binds the trace, counts, logs; what passes by itself, and `unavailable`, means 503."""

    def __init__(self, app: ASGIApp, *, unavailable: Sequence[type[Exception]] = ()) -> None:
        self._app = app
        self._unavailable = tuple(unavailable)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request inside its trace."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with IN_FLIGHT.track_inprogress(), traced(Headers(scope=scope).get("traceparent")):
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"trace-id", current_trace_id().encode())]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            if status:
                raise
            language = Headers(scope=scope).get("accept-language")
            await render(problem_of(error, self._unavailable), accept_language=language)(scope, receive, watch)
        finally:
            _account(scope, status or CLIENT_GONE, time.perf_counter() - begun)


def problem_of(error: Exception, unavailable: tuple[type[Exception], ...] = ()) -> Problem:
    """Say what a request, or one of several things that it asks for, is answered when an error ended it; log a fault.

    Try again (503): what passes by itself, and what is `unavailable`.
    """
    if isinstance(error, Problem):
        return error
    if passes(error) or isinstance(error, unavailable):
        log.warning("temporarily_unavailable", error=type(error).__name__)
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "temporarily_unavailable", headers={"Retry-After": "1"})
    log.error("request_failed", exc_info=error)
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error")


def _account(scope: Mapping[str, object], status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "(none)")
    method = str(scope["method"]) if scope["method"] in METHODS else "(other)"
    REQUESTS.labels(method, route, str(status)).inc()
    SECONDS.labels(method, route).observe(seconds)
    if route not in PROBES:
        # What went well is counted above, and so is who comes too often: a line for each would cost as much as serving.
        quiet = status < HTTPStatus.BAD_REQUEST or status == HTTPStatus.TOO_MANY_REQUESTS
        tell = log.debug if quiet else log.info
        tell("request", method=method, route=route, status=status, duration_ms=round(seconds * 1000, 1))
