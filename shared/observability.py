"""What a process tells its operators: JSON lines with trace ids, and no personal data.

The trace context is W3C Trace Context (`traceparent`), carried by HTTP headers, journal rows and facts' headers.
"""

from __future__ import annotations

import logging
import re
import secrets
import sys
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import asyncpg
import structlog
from pydantic import ValidationError

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}", re.ASCII)
_trace: ContextVar[str] = ContextVar("traceparent", default="")

REDACTED = "[redacted]"
PERSONAL_KEYS = frozenset(
    {
        *("address", "applicant", "authorization", "birth_date", "body", "citizen_number", "contact", "contacts"),
        *("content", "email", "full_name", "input", "name", "names", "note", "password", "people", "person", "phone"),
        *("recipient", "secret", "text", "token", "tracking_secret"),
    }
)
"""Names under which a value is never written, whatever it is."""

_PERSONAL_TEXT = re.compile(
    r"(?P<email>[\w.+-]+@[\w-]+\.[\w.-]+)"
    r"|(?P<citizen>(?<![\dA-Fa-f-])\d{12}(?![\dA-Fa-f-]))"
    r"|(?P<phone>(?<![\w.-])\(?(?:\+?84|0)(?:[\s.()-]{0,2}\d){8,10}(?![\w-]))"
    r"|(?P<token>\beyJ[\w-]+\.[\w-]+\.[\w-]*)"
)


def new_traceparent(trace_id: str | None = None) -> str:
    """Make a traceparent with a new span, in a given trace or in a new one."""
    return f"00-{trace_id or secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def trace_id_of(traceparent: str | None) -> str | None:
    """Read the trace id of a traceparent; None when it is none."""
    match = _TRACEPARENT.fullmatch(traceparent or "")
    return match.group(1) if match else None


def bind_traceparent(value: str | None) -> None:
    """Go on in the trace that `value` names, in a new span; in a new trace when it names none."""
    _trace.set(new_traceparent(trace_id_of(value)))


def current_traceparent() -> str:
    """Return the present traceparent; begin a trace when there is none."""
    if not _trace.get():
        bind_traceparent(None)
    return _trace.get()


def current_trace_id() -> str:
    """Return the present trace id, 32 hex digits."""
    return current_traceparent()[3:35]


@contextmanager
def traced(value: str | None) -> Iterator[str]:
    """Work inside the trace that `value` names and come back to the one before."""
    token = _trace.set(new_traceparent(trace_id_of(value)))
    try:
        yield _trace.get()
    finally:
        _trace.reset(token)


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Processor: no personal data leaves the process, neither under its own name nor inside a text."""
    return {key: REDACTED if key in PERSONAL_KEYS else clean(value) for key, value in event.items()}


def clean(value: Any) -> Any:
    """Take personal data out of one value: by key in mappings, by shape in texts."""
    match value:
        case str():
            return _PERSONAL_TEXT.sub(REDACTED, value)
        case Mapping():
            return {key: REDACTED if key in PERSONAL_KEYS else clean(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [clean(item) for item in value]
        case BaseException():
            return safe_message(value)
        case _:
            return value


def safe_message(error: BaseException) -> str:
    """Return an error's own words without the values that its library adds to them."""
    match error:
        case ValidationError():
            faults = error.errors(include_input=False, include_url=False, include_context=False)
            return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['type']}" for fault in faults)
        case asyncpg.PostgresError():
            return f"{error.sqlstate}: {str(error.args[0]) if error.args else ''}"
        case _:
            return str(clean(str(error)))


def render_exception(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Processor: an exception becomes its type, its safe message and the places in the code; no values."""
    given = event.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else given
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["error.type"] = type(error).__qualname__
        event["error.message"] = safe_message(error)
        event["error.stack"] = list(_stack(error))
    return event


def _stack(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield f"{type(error).__qualname__}: {safe_message(error)}"
        for frame in traceback.extract_tb(error.__traceback__):
            yield f"  {frame.filename}:{frame.lineno} {frame.name}"
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                yield from _stack(inner)
        error = error.__cause__ or error.__context__


def _add_trace(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if trace := _trace.get():
        event["trace_id"], event["span_id"] = trace[3:35], trace[36:52]
    return event


_LEAST_LEVELS = {"aiokafka": logging.WARNING, "uvicorn.access": logging.WARNING, "uvicorn.error": logging.ERROR}
"""uvicorn warns of each client that speaks no HTTP: whoever does that often would fill the log."""


def configure_logging(service: str, version: str, level: str = "info") -> None:
    """Send every log, ours and the libraries', as JSON lines to stdout."""

    def add_service(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"], event["version"] = service, version
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(allow=()),
        add_service,
        _add_trace,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
        render_exception,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            redact,
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for noisy, least in _LEAST_LEVELS.items():
        logging.getLogger(noisy).setLevel(least)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
