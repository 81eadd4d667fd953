from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from shared.observability import (
    REDACTED,
    bind_traceparent,
    clean,
    current_trace_id,
    current_traceparent,
    safe_message,
    trace_id_of,
)

ROOT = Path(__file__).parents[3]
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


SPEAKER = """
import logging, structlog
from pydantic import BaseModel, ValidationError
from shared.observability import configure_logging, traced
configure_logging("intake", "1.2.3")
with traced("%s"):
    structlog.get_logger("x").info("taken", code="H56.97.21-200102-0001", phone="0912345678", why="ask 0912345678")
class Person(BaseModel):
    number: int
try:
    Person.model_validate({"number": "Nguyễn Văn A"})
except ValidationError:
    logging.getLogger("uvicorn.error").exception("failed for %%s", "a@vi-du.example")
logging.getLogger("aiokafka").info("chatter")
"""


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    """What a process of its own says."""
    said = subprocess.run([sys.executable, "-c", SPEAKER % TRACE], check=True, capture_output=True, cwd=ROOT)
    assert said.stderr == b""
    return [json.loads(line) for line in said.stdout.splitlines()]


@pytest.mark.parametrize(
    "text",
    [
        "038195012345",
        "84977000001",
        "0977-000-001",
        "(0977)000001",
        "0912345678",
        "0912 345 678",
        "0237 3 812 345",
        "+84912345678",
        "a.b@vi-du.example",
        "eyJhbGc.eyJz.sig",
    ],
)
def test_personal_data_in_a_text_are_taken_out(text: str) -> None:
    assert text not in clean(f"sent to {text}, again")


@pytest.mark.parametrize(
    "text",
    [
        "H56.97.21-200102-0001",
        "000.17.22.H56-210531-0001",
        "2020-01-02T07:30:00+07:00",
        "01936d3e-7b4c-7cc0-8000-012345678901",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "catalogue-1-0123456789ab",
        "127.0.0.1:8042",
    ],
)
def test_codes_and_moments_stay(text: str) -> None:
    assert clean(text) == text


def test_values_under_personal_names_are_taken_out_at_any_depth() -> None:
    event = {"code": "H56", "people": {"x": 1}, "deep": [{"name": "Nguyễn", "step": 2}]}
    assert clean(event) == {"code": "H56", "people": REDACTED, "deep": [{"name": REDACTED, "step": 2}]}


def test_a_log_line_has_its_service_trace_and_no_person(lines: list[dict[str, Any]]) -> None:
    line = lines[0]
    assert (line["service"], line["version"], line["level"], line["event"]) == ("intake", "1.2.3", "info", "taken")
    assert line["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert line["timestamp"].endswith("Z")
    assert line["code"] == "H56.97.21-200102-0001"
    assert (line["phone"], line["why"]) == (REDACTED, f"ask {REDACTED}")


def test_libraries_speak_json_too_and_an_exception_tells_no_values(lines: list[dict[str, Any]]) -> None:
    line = lines[1]
    assert line["event"] == f"failed for {REDACTED}"
    assert line["error.type"] == "ValidationError"
    assert line["error.message"] == "number: int_parsing"
    assert "Nguyễn" not in json.dumps(line, ensure_ascii=False)
    assert any(entry.startswith("  ") and entry.endswith("<module>") for entry in line["error.stack"])


def test_the_chatter_of_libraries_is_left_out(lines: list[dict[str, Any]]) -> None:
    assert len(lines) == 2


def test_a_database_error_tells_no_values() -> None:
    error = asyncpg.UniqueViolationError('duplicate key value violates "x"')
    error.detail = "Key (name)=(Nguyễn) already exists."
    assert safe_message(error) == '23505: duplicate key value violates "x"'


def test_a_trace_goes_on_in_a_new_span() -> None:
    bind_traceparent(TRACE)
    assert current_trace_id() == trace_id_of(TRACE) == trace_id_of(current_traceparent())
    assert current_traceparent() != TRACE


@pytest.mark.parametrize(
    "value", [None, "", "nonsense", TRACE.upper(), f"00-{'0' * 32}-00f067aa0ba902b7-01", TRACE + "x"]
)
def test_a_trace_that_cannot_be_read_begins_anew(value: str | None) -> None:
    bind_traceparent(value)
    assert trace_id_of(current_traceparent()) is not None
    assert current_trace_id() != "4bf92f3577b34da6a3ce929d0e0e4736"
