"""Writes into `docs/paths.md` what a whole run of the random paths came to."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.integration.together.situations import ROWS
from tests.pages import table, write_between
from tests.paths.mix import Mix
from tests.paths.town import Came

PAGE = Path(__file__).parents[2] / "docs" / "paths.md"
MARKS = ("<!-- written by `make paths`: begin -->", "<!-- written by `make paths`: end -->")


def table_of(mix: Mix) -> str:
    """Show how often each row was done, and its action refused."""
    return table(
        ("row", "from", "action", "to", "done", "refused"),
        (
            (
                *(str(row.no), " ".join(row.states), row.action, row.to or "="),
                *(str(counted[row.no]) for counted in (mix.legal, mix.illegal)),
            )
            for row in ROWS
        ),
    )


def write(came: Came, *, first: int, last: int, steps: int, seconds: float) -> None:
    """Write what the last whole run came to, in place of what one before did."""
    day = datetime.now(UTC).date().isoformat()
    said = f"Seeds {first} to {last}, {steps} steps a run, {day}, {seconds:.0f} s: {came}.\n\n"
    write_between(PAGE, MARKS, said + table_of(came.mix))
