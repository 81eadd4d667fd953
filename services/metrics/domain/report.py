"""The district's report, assembled from counted rows; every figure in it has its line in `formulas.py`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict
from pydantic import Field as Column

from services.metrics.domain.fields import FIELDS, Field, field_of
from services.metrics.domain.figures import RESOLVED, Figure, NoticeOutcome
from services.metrics.domain.formulas import FORMULAS, Formula
from shared.contracts.facts import Channel
from shared.rulebook.calendar import ZONE


class Period(NamedTuple):
    """Days of a report, the first and the last included."""

    first: date
    last: date

    def as_of(self, now: datetime) -> datetime:
        """Give the moment at which open dossiers are judged: the legal now, or the end of a period that is over."""
        end = datetime.combine(self.last + timedelta(days=1), time(), ZONE) - timedelta(seconds=1)
        return min(now, end)


class CountRow(NamedTuple):
    """A sum of daily counters: `before` the period and `within` it."""

    place: str
    field: str
    figure: Figure
    before: int
    within: int


class OverdueRow(NamedTuple):
    """Open dossiers whose promised due moment has passed."""

    place: str
    field: str
    overdue: int


class NoticeRow(NamedTuple):
    """A sum of daily notice counters."""

    channel: Channel
    outcome: NoticeOutcome
    number: int


class Place(NamedTuple):
    """A place of reception, with its key in dictionary order."""

    code: str
    path: str
    name_vi: str
    name_en: str
    sort_key: str


def share(part: int, whole: int) -> float | None:
    """Divide, rounded half up to four places; None where there is nothing to divide by."""
    if whole == 0:
        return None
    return float((Decimal(part) / Decimal(whole)).quantize(Decimal("0.0001"), ROUND_HALF_UP))


class Figures(BaseModel):
    """The figures of a district, a field or a place; formulas in `formulas.py`."""

    model_config = ConfigDict(frozen=True)

    carried_over: int
    received: int
    resolved: int
    resolved_on_time: int
    resolved_late: int
    closed_without_result: int
    in_progress: int
    in_progress_within_limit: int
    in_progress_overdue: int
    share_resolved_of_received: float | None
    share_on_time: float | None
    apologies_published: int

    @classmethod
    def of(cls, rows: Iterable[CountRow], overdue: int) -> Self:
        """Compute every figure from the raw counters and the number of open dossiers that are overdue."""
        before: Counter[Figure] = Counter()
        within: Counter[Figure] = Counter()
        for row in rows:
            before[row.figure] += row.before
            within[row.figure] += row.within
        carried_over = before[Figure.RECEIVED] - _resolved(before)
        received, resolved = within[Figure.RECEIVED], _resolved(within)
        in_progress = carried_over + received - resolved
        on_time, late = within[Figure.RESOLVED_ON_TIME], within[Figure.RESOLVED_LATE]
        return cls(
            carried_over=carried_over,
            received=received,
            resolved=resolved,
            resolved_on_time=on_time,
            resolved_late=late,
            closed_without_result=within[Figure.CLOSED_WITHOUT_RESULT],
            in_progress=in_progress,
            in_progress_within_limit=in_progress - overdue,
            in_progress_overdue=overdue,
            share_resolved_of_received=share(resolved, carried_over + received),
            share_on_time=share(on_time, on_time + late),
            apologies_published=within[Figure.APOLOGIES_PUBLISHED],
        )


def _resolved(counts: Counter[Figure]) -> int:
    return sum(counts[figure] for figure in RESOLVED)


class FieldFigures(Figures):
    """The figures of one field (lĩnh vực)."""

    field: str
    name_vi: str
    name_en: str


class PlaceFigures(Figures):
    """The figures of one place of reception."""

    place: str
    name_vi: str
    name_en: str


class Notices(BaseModel):
    """Messages to citizens by what became of them; what was requested is known to notification alone."""

    model_config = ConfigDict(frozen=True)

    handed_over: int = 0
    delivered: int = 0
    unknown: int = 0
    failed: int = 0


class ReportedAgency(BaseModel):
    """Whose report it is: every place whose path lies under `path` is in it."""

    model_config = ConfigDict(frozen=True)

    code: str
    name_vi: str
    name_en: str
    path: str


class ReportedPeriod(BaseModel):
    """The days of a report, both included."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    first: date = Column(alias="from")
    last: date = Column(alias="to")


class Report(Figures):
    """`GET /v1/reports/district`: public figures, no personal data."""

    agency: ReportedAgency
    period: ReportedPeriod
    as_of: AwareDatetime
    notices: Notices
    notices_by_channel: dict[Channel, Notices]
    by_field: tuple[FieldFigures, ...]
    by_place: tuple[PlaceFigures, ...]
    formulas: tuple[Formula, ...]
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class Counted:
    """What the repository read, in one snapshot of the database."""

    places: Sequence[Place]
    counts: Sequence[CountRow]
    overdue: Sequence[OverdueRow]
    notices: Sequence[NoticeRow]


def assemble(
    agency: ReportedAgency, period: Period, as_of: datetime, counted: Counted, *, versions: Mapping[str, str]
) -> Report:
    """Build the report; its sums over fields and over places are those of the whole by construction."""
    return Report(
        **_figures(counted.counts, counted.overdue),
        agency=agency,
        period=ReportedPeriod(first=period.first, last=period.last),
        as_of=as_of,
        notices=_notices(counted.notices),
        notices_by_channel={
            channel: _notices([row for row in counted.notices if row.channel == channel]) for channel in Channel
        },
        by_field=tuple(_of_field(field, counted) for field in FIELDS if _is_shown(field, counted)),
        by_place=tuple(_of_place(place, counted) for place in sorted(counted.places, key=lambda place: place.sort_key)),
        formulas=FORMULAS,
        versions=dict(versions),
    )


def _figures(rows: Iterable[CountRow], overdue: Iterable[OverdueRow]) -> dict[str, int | float | None]:
    return Figures.of(rows, sum(row.overdue for row in overdue)).model_dump()


def _is_shown(field: Field, counted: Counted) -> bool:
    return field.code in FIELD_CODES_ALWAYS_SHOWN or any(field_of(row.field) is field for row in counted.counts)


FIELD_CODES_ALWAYS_SHOWN = frozenset(field.code for field in FIELDS[:-1])
"""All but `OTHER`, which is shown only where something was counted in it."""


def _of_field(field: Field, counted: Counted) -> FieldFigures:
    figures = _figures(
        (row for row in counted.counts if field_of(row.field) is field),
        (row for row in counted.overdue if field_of(row.field) is field),
    )
    return FieldFigures.model_validate(
        {**figures, "field": field.code, "name_vi": field.name_vi, "name_en": field.name_en}
    )


def _of_place(place: Place, counted: Counted) -> PlaceFigures:
    figures = _figures(
        (row for row in counted.counts if row.place == place.code),
        (row for row in counted.overdue if row.place == place.code),
    )
    return PlaceFigures.model_validate(
        {**figures, "place": place.code, "name_vi": place.name_vi, "name_en": place.name_en}
    )


def _notices(rows: Iterable[NoticeRow]) -> Notices:
    numbers: Counter[str] = Counter()
    for row in rows:
        numbers[row.outcome.value] += row.number
    return Notices(**numbers)
