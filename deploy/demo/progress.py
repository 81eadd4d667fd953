"""The year's progress on stderr: date, counts, rate."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from deploy.demo.driver import Counts


class _RateColumn(ProgressColumn):
    """Requests answered in a second, of late."""

    def render(self, task: Task) -> Text:
        acts, elapsed = task.fields["acts"], task.elapsed or 0.0
        rate = (task.completed + acts) / elapsed if elapsed else 0.0
        return Text(f"{acts:,} acts · {rate:,.0f}/s", style="cyan")


class YearProgress:
    """A bar that follows the year. On a screen it moves; in a file it says one line a month."""

    def __init__(self, console: Console, dossiers: int) -> None:
        self._console = console
        self._month = 0
        self._bar = Progress(
            TextColumn("{task.fields[date]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("dossiers ·"),
            _RateColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("year", total=dossiers, acts=0, date="2020-01-01")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, counts: Counts) -> None:
        """Show where the year is."""
        if counts.moment is None:
            return
        date = counts.moment.date()
        self._bar.update(self._task, completed=counts.filed, acts=counts.acts, date=date.isoformat())
        if not self._console.is_terminal and date.month != self._month:
            self._month = date.month
            self._console.print(f"{date.isoformat()} · {counts.filed:,} dossiers · {counts.acts:,} acts")
