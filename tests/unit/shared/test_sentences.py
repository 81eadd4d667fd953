"""Whatever a refusal says beside its title it says in both languages."""

from __future__ import annotations

import ast
import json
import re
import string
from collections.abc import Iterator
from typing import Literal, get_args

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import Field
from pydantic_core import PydanticKnownError, core_schema

from shared.http.bodies import Day, Line, RequestBody, read_body
from shared.http.fields import KINDS, said_of
from shared.http.languages import Words
from shared.http.problems import TITLES, Problem, from_validation, render
from shared.http.sentences import A_DAY, A_MOMENT, REMEDIES, VIETNAMESE, beside_title
from shared.roles import Role
from tests.architecture.rules import modules

REFUSING = {"Problem", "Refused", "Refusal", "UnknownAction", "NotAllowed", "IllegalMove", "ConditionNotMet"}
REFUSING |= {"ActInvalid", "StaleVersion", "_refused", "__init__"}
FAULTY = {"Fault", "in_both", "InvalidCitizenNumber", "InvalidPhone"}
"""Callables whose sentence is about one field; so is that of a ValueError where bodies are read."""
NAMED_BEFORE = {
    "POST /v1/dossiers accepts, POST /v1/registrations registers, POST /v1/refusals refuses.",
    "The dossier was not accepted.",
    "The act is processing's.",
    "Send Content-Type: application/json.",
    A_DAY,
    A_MOMENT,
    "{name_en} ({code}): asked for are {originals} originals, {certified} certified, {photocopies} copied.",
}
"""Said through a name, in a choice, or by default."""
DESCRIBES = "shared/http/openapi.py"
"""Its sentences describe answers; they are none."""
FOR_LOGS = {"f'{status} {code}'", "f'{code}: {limit} limit stored {stored}, reckoned {reckoned}'"}
SPEAKING = ("services/", "shared/http/", "shared/auth", "shared/rulebook/identifiers")
READS_BODIES = re.compile(r"services/[a-z]+/(api|receipts)\b|shared/http/bodies")


def refusing() -> Iterator[ast.expr]:
    """Whatever a refusal, or a fault of one field, is made with."""
    for module in modules():
        if module.path == DESCRIBES or not module.path.startswith(SPEAKING):
            continue
        names = REFUSING | FAULTY | ({"ValueError"} if READS_BODIES.match(module.path) else set())
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and _name(node.func) in names:
                yield from [*node.args, *(word.value for word in node.keywords if word.arg == "detail")]


def said() -> Iterator[str]:
    """Every sentence among it, word by word."""
    for given in refusing():
        if isinstance(given, ast.Constant) and isinstance(given.value, str) and " " in given.value:
            yield given.value


def test_no_sentence_is_put_together_in_one_language() -> None:
    put_together = (ast.unparse(given) for given in refusing() if isinstance(given, ast.JoinedStr | ast.BinOp))
    assert [text for text in put_together if " " in text and text not in FOR_LOGS] == []


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_each_sentence_is_known_in_both_languages_and_none_is_left_over() -> None:
    assert {*said(), *NAMED_BEFORE} == VIETNAMESE.keys()


def test_both_languages_of_a_sentence_take_the_same_values() -> None:
    for english, vietnamese in VIETNAMESE.items():
        assert _names(vietnamese) == {name.replace("name_en", "name_vi") for name in _names(english)}, english


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


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


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ("", REMEDIES["agency_not_allowed"]),
        ("The unit is none of yours.", Words("Đơn vị này không thuộc quyền của bạn.", "The unit is none of yours.")),
        (Words("Thiếu năm 2031.", "Missing: 2031."), Words("Thiếu năm 2031.", "Missing: 2031.")),
    ],
)
def test_the_detail_is_in_the_callers_language(detail: str | Words, words: Words) -> None:
    problem = Problem(403, "agency_not_allowed", detail)
    for language, told in {"vi": words.vi, "en": words.en}.items():
        assert json.loads(bytes(render(problem, accept_language=language).body))["detail"] == told


def test_a_code_of_which_nothing_is_said_has_no_detail() -> None:
    assert beside_title("media_type_unsupported", "") is None
    assert "detail" not in json.loads(bytes(render(Problem(415, "nobody_knows"), accept_language="vi").body))


def test_every_remedy_belongs_to_a_code() -> None:
    assert REMEDIES.keys() - TITLES.keys() == {"deadline_differs"}
