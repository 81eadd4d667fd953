"""What a run came to: a table for people, `build/bench.json` for machines, and the table of docs/benchmarks.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import machine
from tests.bench.figures import Line, lines_of
from tests.bench.rounds import Played, Refused, Size

RESULT = machine.ROOT / "build" / "bench.json"
PAGE = machine.ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- measured by `make bench`: begin -->", "<!-- measured by `make bench`: end -->"
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


def number(value: float) -> str:
    """Write a figure with three digits that mean something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"


def show(run: Run) -> None:
    """Print the table."""
    table = Table(*HEADINGS)
    for row in run.rows():
        table.add_row(*row)
    console = Console(width=150)
    console.print(table)
    for name, reason in run.refused.items():
        console.print(f"refused: {name}: {reason}", markup=False)


def keep(run: Run) -> None:
    """Write `build/bench.json`."""
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(run.as_json(), indent=2, ensure_ascii=False) + "\n", "utf-8")


def write_page(run: Run) -> None:
    """Write the table into docs/benchmarks.md, between its marks. Raises Refused where they are not there."""
    text = PAGE.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise Refused(f"{PAGE} lacks {BEGIN} or {END}")
    PAGE.write_text(f"{before}{begin}\n{_page(run)}{end}{after}", "utf-8")


def _page(run: Run) -> str:
    hardware, versions = machine.hardware(), machine.versions()
    loads = [load for each in run.played for load in (each.load_before, each.load_after)]
    made_by = ", ".join(f"{name} {version}" for name, version in versions.items())
    told = (
        f"{datetime.now(UTC).date()}, {run.size.rounds} rounds of {run.size.seconds} s; {hardware['cores']} cores of "
        f"{hardware['processor']}, {hardware['memory_gb']} GB, Linux {hardware['kernel']}, "
        f"load {min(loads):.1f}–{max(loads):.1f}; {made_by}"
    )
    rows = [HEADINGS, ("---",) * len(HEADINGS), *run.rows()]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    refused = "".join(f"\nRefused: {name}: {reason}\n" for name, reason in run.refused.items())
    return f"{told}.\n\n{table}{refused}"
