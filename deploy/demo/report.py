"""What a year comes to: the figures, their witnesses, and how they are shown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

COMPARED = (
    "received",
    "resolved",
    "resolved_on_time",
    "resolved_late",
    "closed_without_result",
    "in_progress",
    "in_progress_within_limit",
    "in_progress_overdue",
    "apologies_published",
)
"""The figures that every witness who knows them must give alike (C15)."""


@dataclass(frozen=True)
class Witness:
    """One account of the year. `figures` holds what it knows of `COMPARED`; `faults` what it found wrong by itself."""

    name: str
    figures: Mapping[str, int]
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Notices:
    """Messages to citizens, as notification counts them."""

    requested: int
    handed_over: int
    delivered: int
    unknown: int
    failed: int


@dataclass(frozen=True)
class Events:
    """Facts published, and distinct facts consumed by each service; `parked` must be none."""

    published: int
    consumed: Mapping[str, int]
    parked: int


@dataclass(frozen=True)
class YearReport:
    """The year's report. Equal for equal requests but for `seconds`. `courses`: how many took which, by the ledger."""

    witnesses: tuple[Witness, ...]
    notices: Notices
    events: Events
    foreign: int
    codes_sha256: str
    seconds: float
    courses: Mapping[str, int] = field(default_factory=dict)

    @property
    def figures(self) -> Mapping[str, int]:
        """The figures of the first witness who knows them all: the metrics service, unless its report failed."""
        return next(witness.figures for witness in self.witnesses if witness.figures.keys() >= set(COMPARED))

    @property
    def disagreements(self) -> list[str]:
        """Every figure that two witnesses give differently, and what witnesses found wrong by themselves."""
        found = [f"{witness.name}: {fault}" for witness in self.witnesses for fault in witness.faults]
        for name in COMPARED:
            told = {witness.name: witness.figures[name] for witness in self.witnesses if name in witness.figures}
            if len(set(told.values())) > 1:
                found.append(f"{name}: " + ", ".join(f"{witness} {value}" for witness, value in told.items()))
        return found

    @property
    def exit_code(self) -> int:
        """0; 1 when witnesses disagree or a dossier is parked."""
        return 1 if self.disagreements or self.events.parked else 0

    def as_json(self) -> dict[str, Any]:
        """Make the object of `--json`."""
        figures = self.figures
        return {
            **{name: figures[name] for name in COMPARED if name != "apologies_published"},
            "share_resolved_of_received": share(figures["resolved"], figures["received"]),
            "share_on_time": share(figures["resolved_on_time"], figures["resolved_on_time"] + figures["resolved_late"]),
            "apologies_published": figures["apologies_published"],
            "notices": asdict(self.notices),
            "events": asdict(self.events),
            "courses": dict(sorted(self.courses.items())),
            "foreign": self.foreign,
            "sources_agree": not self.disagreements,
            "witnesses": {witness.name: {**witness.figures, "faults": [*witness.faults]} for witness in self.witnesses},
            "codes_sha256": self.codes_sha256,
            "seconds": round(self.seconds, 1),
        }


def share(part: int, whole: int) -> float | None:
    """Divide, to four places, half up; None of nothing."""
    if whole == 0:
        return None
    return float((Decimal(part) / Decimal(whole)).quantize(Decimal("0.0001"), ROUND_HALF_UP))


def show(console: Console, report: YearReport) -> None:
    """Print the report: figures with their witnesses side by side, notices, events, verdict."""
    table = Table(title="1 January – 30 November 2020", title_justify="left")
    table.add_column("figure")
    for witness in report.witnesses:
        table.add_column(witness.name, justify="right")
    for name in COMPARED:
        row = [witness.figures.get(name) for witness in report.witnesses]
        table.add_row(name.replace("_", " "), *("" if value is None else f"{value:,}" for value in row))
    console.print(table)
    summary = report.as_json()
    console.print(f"resolved of received {_percent(summary['share_resolved_of_received'])}", end=" · ")
    console.print(f"on time of those with a result {_percent(summary['share_on_time'])}", end=" · ")
    console.print(f"filed by others {report.foreign} · {report.seconds:.0f} s · machine load {os.getloadavg()[0]:.1f}")
    console.print("notices: " + " · ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in summary["notices"].items()))
    if report.courses:
        console.print("courses: " + " · ".join(f"{name} {n:,}" for name, n in summary["courses"].items()))
    consumed = " · ".join(f"{service} {count:,}" for service, count in report.events.consumed.items())
    console.print(
        f"facts: published {report.events.published:,} · consumed by {consumed} · parked {report.events.parked}"
    )
    for disagreement in report.disagreements:
        console.print(f"[bold red]disagreement[/] {disagreement}")
    if not report.disagreements:
        console.print("[green]The witnesses agree.[/]")


def _percent(part: float | None) -> str:
    return "–" if part is None else f"{part:.2%}"
