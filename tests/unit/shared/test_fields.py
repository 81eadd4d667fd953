"""What is said of a faulty field is said in both languages, without what was sent."""

from __future__ import annotations

import json
from typing import Literal, get_args

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import Field
from pydantic_core import PydanticKnownError, core_schema

from shared.http.bodies import Day, Line, RequestBody, read_body
from shared.http.fields import KINDS, said_of
from shared.http.problems import from_validation, render
from shared.roles import Role


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_fault_is_pydantics_and_takes_its_values(kind: str) -> None:
    assert kind in get_args(core_schema.ErrorType)
    context = dict.fromkeys(("min_length", "max_length", "gt", "ge", "lt", "le"), 3)
    filled = context | {"actual_length": 9, "field_type": "List", "class_name": "Filing", "error": "too short"}
    filled |= {"discriminator": "'kind'", "tag": "secret", "expected_tags": "'a', 'b'"}
    told = PydanticKnownError(kind, filled | {"pattern": "^[0-9]+$", "expected": "'a' or 'b'"})  # type: ignore[arg-type]
    words = said_of({"type": kind, "ctx": told.context})
    assert "{" not in words.vi + words.en
    assert "secret" not in words.vi + words.en
    assert words.vi != words.en


class Filed(RequestBody):
    on: Day
    name: Line
    count: int = Field(ge=1, le=9)
    kind: Literal[Role.DESK, Role.LEADER]
    parts: list[int] = Field(min_length=1)


def test_faults_of_fields_are_told_in_the_callers_language_without_what_was_sent() -> None:
    body = b'{"on": "tomorrow", "name": "\\u0007 secret", "count": 99, "kind": "secret", "parts": [], "more": 1}'
    with pytest.raises(RequestValidationError) as caught:
        read_body(Filed, body)
    problem = from_validation(caught.value, "application/json")
    told = {
        language: [
            error["message"] for error in json.loads(bytes(render(problem, accept_language=language).body))["errors"]
        ]
        for language in ("vi", "en")
    }
    assert told["vi"] == [
        "Cần một ngày có thật, viết YYYY-MM-DD.",
        "Có ký tự không in được.",
        "Không lớn hơn 9.",
        "Cần là một trong: 'desk' hoặc 'leader'.",
        "Cần ít nhất 1 mục.",
        "Đối tượng có trường không được biết ở đây.",
    ]
    assert told["en"] == [
        "This is a day that exists, written YYYY-MM-DD.",
        "This holds a character that cannot be printed.",
        "This is at most 9.",
        "This is one of: 'desk' or 'leader'.",
        "At least 1 item(s).",
        "The object holds a field that is not known here.",
    ]
