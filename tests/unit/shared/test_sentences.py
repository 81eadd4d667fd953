"""Whatever a refusal says beside its title it says in both languages."""

from __future__ import annotations

import ast
import json
import re
import string
from collections.abc import Iterator

import pytest

from shared.http.languages import Words
from shared.http.problems import TITLES, Problem, render
from shared.http.sentences import A_DAY, A_MOMENT, REMEDIES, VIETNAMESE, beside_title
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
