"""The vectors of the legal clock: each was worked out by hand, before the code that it judges.

`clock_vectors.jsonl` has the lines that `motcua due --batch` reads, each with the answer expected, the rules that meet
in it and the hand's calculation. A second program, the witness, comes to the same answers.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.unit.rulebook import witness

VECTORS: list[dict[str, Any]] = [
    json.loads(line) for line in Path(__file__).with_name("clock_vectors.jsonl").read_text("utf-8").splitlines()
]
RULES = [f"C{number}" for number in range(1, 9)]
ONE_LIMIT = ("C1", "C2", "C4", "C5")
NEVER_MEET = set(combinations(ONE_LIMIT, 2))
"""A limit is counted in one way: in working days, as the same day, in working time or in calendar days."""


def pairs(vector: dict[str, Any]) -> set[tuple[str, str]]:
    return set(combinations([rule for rule in RULES if rule in vector["rules"]], 2))


def test_three_vectors_of_our_own_for_each_pair_of_rules_that_can_meet() -> None:
    own = [vector for vector in VECTORS if not vector["id"].startswith("law-")]
    assert len(own) >= 80
    found = Counter(pair for vector in own for pair in pairs(vector))
    wanted = set(combinations(RULES, 2)) - NEVER_MEET
    assert {pair: found[pair] for pair in wanted if found[pair] < 3} == {}
    assert not NEVER_MEET & found.keys()


def test_every_vector_has_a_name_and_a_calculation() -> None:
    assert len({vector["id"] for vector in VECTORS}) == len(VECTORS)
    assert all(vector["calculation"] and vector["expected"] for vector in VECTORS)
    law = {vector["id"].split("-")[1] for vector in VECTORS if vector["id"].startswith("law-")}
    assert law == {str(number) for number in range(1, 36)}


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["id"] for vector in VECTORS])
def test_the_witness_comes_to_the_same_answer(vector: dict[str, Any]) -> None:
    answer = witness.answer(vector, witness.tick_of(vector))
    assert {name: answer.get(name) for name in vector["expected"]} == vector["expected"]
