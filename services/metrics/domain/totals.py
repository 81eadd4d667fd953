"""What Prometheus is shown: totals by field, every label value from a closed set and present from the first scrape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from services.metrics.domain.fields import FIELDS, field_of
from services.metrics.domain.figures import NoticeOutcome
from services.metrics.domain.report import NoticeRow
from shared.contracts.facts import Channel
from shared.rulebook.figures import REOPENED, RESOLVED, Figure

_REOPENED = tuple(REOPENED.values())


@dataclass(frozen=True, slots=True)
class Totals:
    """Numbers by their labels; a label that nothing was counted under stands there with 0."""

    figures: Mapping[tuple[str, Figure], int]
    overdue: Mapping[str, int]
    notices: Mapping[tuple[Channel, NoticeOutcome], int]

    @classmethod
    def of(
        cls,
        counts: Iterable[tuple[str, Figure, int]],
        overdue: Iterable[tuple[str, int]],
        notices: Iterable[NoticeRow],
    ) -> Self:
        """Fold rows into the closed sets of labels."""
        figures = Counter({(field.code, figure): 0 for field in FIELDS for figure in Figure})
        for code, figure, number in counts:
            figures[field_of(code).code, figure] += number
        late = Counter({field.code: 0 for field in FIELDS})
        for code, number in overdue:
            late[field_of(code).code] += number
        told = Counter({(channel, outcome): 0 for channel in Channel for outcome in NoticeOutcome})
        for row in notices:
            told[row.channel, row.outcome] += row.number
        return cls(figures, late, told)

    def of_all_fields(self, figure: Figure) -> int:
        """Sum a figure over the fields."""
        return sum(number for (_, counted), number in self.figures.items() if counted is figure)

    def in_progress(self, field: str) -> int:
        """Give received − resolved + reopened of one field, as the report does."""
        resolved, reopened = (sum(self.figures[field, figure] for figure in those) for those in (RESOLVED, _REOPENED))
        return self.figures[field, Figure.RECEIVED] - resolved + reopened
