"""Pages of the docs that are measured: what a run came to stands between two marks, as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path


def write_between(page: Path, marks: tuple[str, str], text: str) -> None:
    """Write a text into a page between its marks. Raises LookupError where they are not there."""
    begin, end = marks
    before, found_begin, rest = page.read_text("utf-8").partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found_begin and found_end):
        raise LookupError(f"{page} lacks {begin} or {end}")
    page.write_text(f"{before}{begin}\n{text}{end}{after}", "utf-8")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, figures: bool = False) -> str:
    """Write a table as Markdown has it; of `figures`, which stand at the right, behind its first column."""
    beneath = ("---", *("---:" if figures else "---",) * (len(headings) - 1))
    return "".join(f"| {' | '.join(row)} |\n" for row in (headings, beneath, *rows))
