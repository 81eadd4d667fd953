"""What a run came to: a table for people, `build/bench.json` for machines, and the table of docs/benchmarks.md."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import machine, rivals
from tests.bench.figures import Line, lines_of, number
from tests.bench.rounds import Played, Size
from tests.pages import table, write_between

RESULT = machine.ROOT / "build" / "bench.json"
PAGE = machine.ROOT / "docs" / "benchmarks.md"
MARKS = "<!-- measured by `make bench`: begin -->", "<!-- measured by `make bench`: end -->"
HEADINGS = ("figure", "median", "lowest–highest", "unit", "beside", "ratio", "goal", "reached")


@dataclass(frozen=True)
class Run:
    """One run of the bench."""

    size: Size
    played: Sequence[Played]

    @property
    def medians(self) -> dict[str, float]:
        """Give every figure's median."""
        return {name: value for each in self.played for name, value in each.medians.items()}

    @property
    def refused(self) -> dict[str, str]:
        """Name what was refused, and why."""
        return {each.name: each.refused for each in self.played if each.refused}

    def of(self, figure: str) -> list[float]:
        """Give one figure of every round."""
        return next(each.of(figure) for each in self.played if each.rounds and figure in each.rounds[0])

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Give the rows of the table."""
        for line in lines_of(self.medians):
            rounds = self.of(line.figure.name)
            yield (
                line.figure.name,
                number(line.value),
                f"{number(min(rounds))}–{number(max(rounds))}",
                line.figure.unit,
                line.beside,
                "" if line.ratio is None else f"{line.ratio:.2f}",
                line.goal,
                _reached(line),
            )

    def as_json(self) -> dict[str, Any]:
        """Give everything: each round, the machine, its load, versions."""
        return {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "rounds": self.size.rounds,
            "seconds": self.size.seconds,
            "dossiers": self.size.dossiers,
            "machine": machine.hardware(),
            "versions": machine.versions(),
            "refused": self.refused,
            "measurements": {each.name: _measurement(each) for each in self.played},
            "table": [dict(zip(HEADINGS, row, strict=True)) for row in self.rows()],
        }


def _measurement(played: Played) -> Mapping[str, Any]:
    return {
        "seconds": round(played.seconds, 1),
        "load_before": played.load_before,
        "load_after": played.load_after,
        "rounds": played.rounds,
        "medians": played.medians,
    }


def _reached(line: Line) -> str:
    return {True: "yes", False: "no", None: ""}[line.reached]


def show(run: Run) -> None:
    """Print the table, and where the path was measured that of the rivals."""
    console = Console(width=150)
    console.print(_printed(HEADINGS, run.rows()))
    if ours := rivals.our_line(run.medians):
        console.print("The same path and consume job, built with others and measured once (docs/benchmarks.md):")
        console.print(_printed(rivals.HEADINGS, [ours, *rivals.LINES]))
    for name, reason in run.refused.items():
        console.print(f"refused: {name}: {reason}", markup=False)


def _printed(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    printed = Table(*headings)
    for row in rows:
        printed.add_row(*row)
    return printed


def keep(run: Run) -> None:
    """Write `build/bench.json`."""
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(run.as_json(), indent=2, ensure_ascii=False) + "\n", "utf-8")


def write_page(run: Run) -> None:
    """Write both tables into docs/benchmarks.md; that of the rivals only with a line of our own."""
    write_between(PAGE, MARKS, _page(run))
    if ours := rivals.our_line(run.medians):
        write_between(PAGE, rivals.MARKS, table(rivals.HEADINGS, [ours, *rivals.LINES], figures=True))


def _page(run: Run) -> str:
    hardware, versions = machine.hardware(), machine.versions()
    loads = [load for each in run.played for load in (each.load_before, each.load_after)]
    made_by = ", ".join(f"{name} {version}" for name, version in versions.items())
    told = (
        f"{datetime.now(UTC).date()}, {run.size.rounds} rounds of {run.size.seconds} s, {run.size.dossiers:,} dossiers "
        f"to be read; {hardware['cores']} cores of {hardware['processor']}, {hardware['memory_gb']} GB, "
        f"Linux {hardware['kernel']}, "
        f"load {min(loads):.1f}–{max(loads):.1f}; {made_by}"
    )
    refused = "".join(f"\nRefused: {name}: {reason}\n" for name, reason in run.refused.items())
    return f"{told}.\n\n{table(HEADINGS, run.rows())}{refused}"
