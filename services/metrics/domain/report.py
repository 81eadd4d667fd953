"""The district's report, assembled from counted rows; every figure in it has its line in `formulas.py`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict
from pydantic import Field as Column

from services.metrics.domain.fields import FIELDS, OTHER, field_of
from services.metrics.domain.figures import NoticeOutcome
from services.metrics.domain.formulas import FORMULAS, Formula
from shared.contracts.facts import Channel
from shared.rulebook.calendar import ZONE
from shared.rulebook.figures import JUDGED, REOPENED, RESOLVED, Figure


class Period(NamedTuple):
    """Days of a report, the first and the last included."""

    first: date
    last: date

    def as_of(self, now: datetime) -> datetime:
        """Give the moment at which open dossiers are judged: the legal now, or the end of a period that is over."""
        end = datetime.combine(self.last, time(23, 59, 59), ZONE)
        return min(now, end)


class CountRow(NamedTuple):
    """A sum of daily counters, `before` the period and `within` it; below zero, finishes that were taken back."""

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
    reopened: int
    supplements_repeated: int
    backdated: int

    @classmethod
    def of(cls, rows: Iterable[CountRow], overdue: int) -> Self:
        """Compute every figure from the raw counters and the number of open dossiers that are overdue."""
        before: Counter[Figure] = Counter()
        within: Counter[Figure] = Counter()
        for row in rows:
            before[row.figure] += row.before
            within[row.figure] += row.within
        carried_over = before[Figure.RECEIVED] - _sum(before, RESOLVED)
        received, resolved = within[Figure.RECEIVED], _sum(within, RESOLVED)
        in_progress = carried_over + received - resolved
        on_time, judged = within[Figure.RESOLVED_ON_TIME], _sum(within, JUDGED)
        return cls(
            carried_over=carried_over,
            received=received,
            resolved=resolved,
            resolved_on_time=on_time,
            resolved_late=within[Figure.RESOLVED_LATE],
            closed_without_result=within[Figure.CLOSED_WITHOUT_RESULT],
            in_progress=in_progress,
            in_progress_within_limit=in_progress - overdue,
            in_progress_overdue=overdue,
            share_resolved_of_received=share(resolved, carried_over + received),
            share_on_time=share(on_time, judged),
            apologies_published=within[Figure.APOLOGIES_PUBLISHED],
            reopened=_sum(within, REOPENED.values()),
            supplements_repeated=within[Figure.SUPPLEMENTS_REPEATED],
            backdated=within[Figure.BACKDATED],
        )


def _sum(counts: Counter[Figure], figures: Iterable[Figure]) -> int:
    return sum(counts[figure] for figure in figures)


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
        by_field=tuple(_by_field(counted)),
        by_place=tuple(_by_place(counted)),
        formulas=FORMULAS,
        versions=dict(versions),
    )


def _figures(rows: Iterable[CountRow], overdue: Iterable[OverdueRow]) -> dict[str, int | float | None]:
    return Figures.of(rows, sum(row.overdue for row in overdue)).model_dump()


Key = Callable[[CountRow | OverdueRow], str]


def _grouped(counted: Counted, key: Key) -> Callable[[str], dict[str, int | float | None]]:
    """Sort the rows into groups once; answers the figures of one group."""
    counts: dict[str, list[CountRow]] = defaultdict(list)
    overdue: dict[str, list[OverdueRow]] = defaultdict(list)
    for count in counted.counts:
        counts[key(count)].append(count)
    for open_ones in counted.overdue:
        overdue[key(open_ones)].append(open_ones)
    return lambda group: _figures(counts[group], overdue[group])


def _by_field(counted: Counted) -> Iterator[FieldFigures]:
    """Every listed field; the others only where something was counted among them."""
    figures = _grouped(counted, lambda row: field_of(row.field).code)
    listed = FIELDS if any(field_of(row.field) is OTHER for row in counted.counts) else FIELDS[:-1]
    for field in listed:
        yield FieldFigures.model_validate(
            {**figures(field.code), "field": field.code, "name_vi": field.name_vi, "name_en": field.name_en}
        )


def _by_place(counted: Counted) -> Iterator[PlaceFigures]:
    """Every place, in dictionary order."""
    figures = _grouped(counted, lambda row: row.place)
    for place in sorted(counted.places, key=lambda place: (place.sort_key, place.code)):
        yield PlaceFigures.model_validate(
            {**figures(place.code), "place": place.code, "name_vi": place.name_vi, "name_en": place.name_en}
        )


def _notices(rows: Iterable[NoticeRow]) -> Notices:
    numbers: Counter[str] = Counter()
    for row in rows:
        numbers[row.outcome.value] += row.number
    return Notices(**numbers)
