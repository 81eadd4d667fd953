"""The vectors of the steps' clocks (C10): each was worked out by hand, before the code that it judges.

`step_vectors.jsonl` has a line for each: the stays at each step, the pauses, when it was due and until when it is
looked at; expected are seconds of working time. A second program, the witness, comes to the same answers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.rulebook import step_witness

VECTORS: list[dict[str, Any]] = [
    json.loads(line) for line in Path(__file__).with_name("step_vectors.jsonl").read_text("utf-8").splitlines()
]
IDS = [vector["id"] for vector in VECTORS]


def test_every_vector_has_a_name_and_a_calculation() -> None:
    assert len(set(IDS)) == len(VECTORS)
    assert all(vector["calculation"] for vector in VECTORS)


@pytest.mark.parametrize("vector", VECTORS, ids=IDS)
def test_the_witness_comes_to_the_same_answer(vector: dict[str, Any]) -> None:
    assert step_witness.answer(vector) == vector["expected"]
