"""The page of the rulebook cites tests that exist, and each weakness that it calls closed has a test of its name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rulebook.md").read_text("utf-8")
CITED = re.compile(r"`(tests/[\w/.]+)::(\w+)`")


def weaknesses(page: str) -> dict[int, tuple[str, list[tuple[str, str]]]]:
    """Number → what became of it, and the tests that show it."""
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| ([^|]+) \| (.+) \|$", page, re.MULTILINE)
    return {int(number): (became.strip(), CITED.findall(shown)) for number, became, shown in rows}


def lacking(page: str) -> list[int]:
    """Weaknesses that are called closed without a test of their name."""
    return [
        number
        for number, (became, shown) in weaknesses(page).items()
        if became.startswith("closed") and not any(name.startswith(f"test_weakness_{number}_") for _, name in shown)
    ]


@pytest.mark.parametrize(("file", "name"), CITED.findall(PAGE))
def test_every_test_that_is_cited_exists(file: str, name: str) -> None:
    assert f"def {name}(" in (ROOT / file).read_text("utf-8")


def test_every_weakness_is_closed_by_a_test_of_its_name_or_called_open() -> None:
    found = weaknesses(PAGE)
    assert list(found) == list(range(1, 11))
    assert {number for number, (became, _) in found.items() if became.startswith("closed")} == {1, 3, 4, 6, 8, 10}
    assert {became.partition(":")[0] for became, _ in found.values()} == {"closed", "open"}
    assert lacking(PAGE) == []


def test_a_weakness_that_is_called_closed_without_one_is_found() -> None:
    assert lacking(PAGE.replace("test_weakness_10_", "test_")) == [10]
