"""How often each move of the law's table was done, and how often its action was refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.integration.together.refold import Told
from tests.integration.together.situations import ROWS, Row

TIMED = {(row.fact.split(".")[3], state): row for row in ROWS if row.roles == ("system",) for state in row.states}
"""Kind of a fact of the clock's own, and the state that it leaves → its row."""
POLICIES = frozenset({"policy_resume", "policy_restart"})


def rows_of(owner: str, action: str, role: str, state: str) -> list[Row]:
    """The rows that name an action of a service in a state, for a role."""
    return [
        row for row in ROWS if (row.owner, row.action) == (owner, action) and state in row.states and role in row.roles
    ]


def is_under(row: Row, policy: str) -> bool:
    """Tell whether a row is one of dossiers under this supplement policy: most are of both."""
    return not POLICIES & {*row.conditions} or f"policy_{policy}" in row.conditions


def row_done(rows: Iterable[Row], before: str, after: str, policy: str) -> Row | None:
    """The row that leads from one state to another under a supplement policy; None where no row does."""
    fits = (row for row in rows if is_under(row, policy))
    return next((row for row in fits if (row.to or before) == after), None)


@dataclass
class Mix:
    """Counted by the number of the row, as the law's file has it."""

    legal: Counter[int] = field(default_factory=Counter)
    illegal: Counter[int] = field(default_factory=Counter)

    def refused(self, owner: str, action: str) -> None:
        """An action was refused: that is said of each of its rows."""
        self.illegal.update(row.no for row in ROWS if (row.owner, row.action) == (owner, action))

    def heard(self, facts: Iterable[Told]) -> None:
        """The clock's own moves are seen by their facts."""
        for fact in facts:
            if row := TIMED.get((fact.kind, str(fact.body.get("state")))):
                self.legal[row.no] += 1

    def add(self, other: Mix) -> None:
        self.legal.update(other.legal)
        self.illegal.update(other.illegal)

    def lacking(self, least: int) -> Iterator[str]:
        """Name each row that was not done, or not refused, so often."""
        for row in ROWS:
            done, refused = self.legal[row.no], self.illegal[row.no]
            if min(done, refused) < least:
                yield f"row {row.no}, {'|'.join(row.states)} {row.action}: done {done} times, refused {refused} times"
