"""Whatever a refusal says beside its title it says in both languages."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator

import pytest

from shared.http.languages import Words
from shared.http.problems import TITLES, Problem, render
from shared.http.sentences import REMEDIES, VIETNAMESE, beside_title
from tests.architecture.rules import modules

REFUSING = {"Problem", "Refused", "Refusal", "UnknownAction", "NotAllowed", "IllegalMove", "ConditionNotMet"}
REFUSING |= {"ActInvalid", "StaleVersion", "_refused", "__init__"}
NAMED_BEFORE = {
    "POST /v1/dossiers accepts, POST /v1/registrations registers, POST /v1/refusals refuses.",
    "The dossier was not accepted.",
    "The act is processing's.",
    "Send Content-Type: application/json.",
}
"""Said through a name, in a choice, or by default."""
DESCRIBES = "shared/http/openapi.py"
"""Its sentences describe answers; they are none."""


def said() -> Iterator[str]:
    """Every sentence that a refusal is made with, word by word in its call."""
    for module in modules():
        if module.path == DESCRIBES or not module.path.startswith(("services/", "shared/http/", "shared/auth")):
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and _name(node.func) in REFUSING:
                given = [*node.args, *(word.value for word in node.keywords if word.arg == "detail")]
                for each in given:
                    if isinstance(each, ast.Constant) and isinstance(each.value, str) and " " in each.value:
                        yield each.value


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_each_sentence_is_known_in_both_languages_and_none_is_left_over() -> None:
    assert {*said(), *NAMED_BEFORE} == VIETNAMESE.keys()


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
