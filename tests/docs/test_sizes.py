"""What the page of operating says of sizes is measured: its figures are the bench's, its faults are played."""

from __future__ import annotations

import re
from pathlib import Path

from tests.bench.figures import FIGURES

DOCS = Path(__file__).parents[2] / "docs"
BENCHMARKS, FAULTS = "[benchmarks.md](benchmarks.md)", "[faults.md](faults.md)"
NAMES = {figure.name for figure in FIGURES}


def sizes() -> list[list[str]]:
    """Each row of the table: what, figure, from."""
    section = (DOCS / "operations.md").read_text("utf-8").partition("## Sizes")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]


def unknown(rows: list[list[str]]) -> set[str]:
    """Names that stand for a figure of the bench and are none."""
    said = {name for _, figure, source in rows if BENCHMARKS in source for name in re.findall(r"`(\w+)`", figure)}
    assert said
    return said - NAMES


def test_every_figure_that_is_named_is_one_of_the_bench() -> None:
    assert unknown(sizes()) == set()
    assert all("`" in figure for _, figure, source in sizes() if BENCHMARKS in source)


def test_a_figure_that_nobody_measures_is_found() -> None:
    assert unknown([["facts", "see `consume_per_s`", BENCHMARKS]]) == {"consume_per_s"}


def test_every_service_has_its_memory_there() -> None:
    memory = {name for name in NAMES if name.endswith("_rss_mb")}
    assert memory
    assert memory <= {name for _, figure, _ in sizes() for name in re.findall(r"`(\w+)`", figure)}


def test_every_fault_that_is_referred_to_has_its_row() -> None:
    referred = {number for _, _, source in sizes() if FAULTS in source for number in re.findall(r"fault (\d+)", source)}
    assert referred
    assert referred <= set(re.findall(r"^\| (\d+) \|", (DOCS / "faults.md").read_text("utf-8"), re.MULTILINE))
