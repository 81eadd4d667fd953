"""What the page of operating says of sizes is measured: its figures are the bench's, its faults are played."""

from __future__ import annotations

import re
from pathlib import Path

from tests.bench.figures import FIGURES

DOCS = Path(__file__).parents[2] / "docs"
BENCHMARKS, FAULTS = "[benchmarks.md](benchmarks.md)", "[faults.md](faults.md)"
ABOUT = re.compile(r"`(\w+)`(?: \(about ([\d,.]+)\))?")
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


def far_off(rows: list[list[str]], measured: dict[str, float]) -> set[str]:
    """Figures of the bench without an order of magnitude beside them, or with one that is not the last run's."""
    named = (
        (name, about) for _, figure, source in rows if BENCHMARKS in source for name, about in ABOUT.findall(figure)
    )
    return {
        name
        for name, about in named
        if not about or (name in measured and not 0.5 <= float(about.replace(",", "")) / measured[name] <= 2)
    }


def test_an_order_of_magnitude_stands_beside_each_figure_and_is_that_of_the_last_run() -> None:
    table = (DOCS / "benchmarks.md").read_text("utf-8")
    medians = re.findall(r"^\| (\w+) \| ([\d,.]+) \| [\d,.]+–", table, re.MULTILINE)
    measured = {name: float(median.replace(",", "")) for name, median in medians}
    assert measured
    assert far_off(sizes(), measured) == set()
    said = [["", "`a` (about 1,000), `b`, `c` (about 3)", BENCHMARKS]]
    assert far_off(said, {"a": 600.0, "b": 1.0, "c": 7.0}) == {"b", "c"}


def test_every_service_has_its_memory_there() -> None:
    memory = {name for name in NAMES if name.endswith("_rss_mb")}
    assert memory
    assert memory <= {name for _, figure, _ in sizes() for name in re.findall(r"`(\w+)`", figure)}


def test_every_fault_that_is_referred_to_has_its_row() -> None:
    referred = {number for _, _, source in sizes() if FAULTS in source for number in re.findall(r"fault (\d+)", source)}
    assert referred
    assert referred <= set(re.findall(r"^\| (\d+) \|", (DOCS / "faults.md").read_text("utf-8"), re.MULTILINE))
