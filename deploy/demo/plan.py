"""The year's arrivals, worked out before it begins: pure, and the same for the same request.

Counts never depend on the seed. N dossiers are shared among the cases by largest remainder over `year_2020_weight`,
each case's share among its places in equal parts by largest remainder, and every case is spread evenly over the
working days of the year; of a day's dossiers the first half comes in the morning. The seed permutes: which of a case's
dossiers is filed where, the order within a moment, and who stays open or late among those that may.
"""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction

from deploy.demo.fates import Fate, Fates, choose_fates
from shared.rulebook.agencies import Agencies, Agency
from shared.rulebook.calendar import ZONE, Calendar
from shared.rulebook.catalogue import Case, Catalogue
from shared.rulebook.identifiers import DossierCode
from shared.rulebook.limits import apology_draft, due

FIRST_DAY = date(2020, 1, 1)
LAST_DAY = date(2020, 11, 30)
MOMENTS_OF_A_DAY = (time(8, 0), time(14, 30))
"""The clock moves at most twice a working day, the second time before the 15:00 cut-off of same-day limits (C3)."""
SMALLEST_HALVED_DAY = 3
"""From so many dossiers on, a day has an afternoon too."""


@dataclass(frozen=True)
class Rules:
    """The rule versions that the year is planned with: those that the services were given."""

    catalogue: Catalogue
    calendar: Calendar
    agencies: Agencies


@dataclass(frozen=True)
class YearRequest:
    """What the command asked for."""

    dossiers: int = 9470
    open: int = 155
    late: int = 0
    seed: int = 1


@dataclass(frozen=True)
class Arrival:
    """One dossier to be filed. `number` counts from 1 in the order of filing; `halt_after` belongs to open ones."""

    number: int
    moment: datetime
    place: Agency
    area_code: str
    case: Case
    fate: Fate = Fate.ORDINARY
    halt_after: int = 0


@dataclass(frozen=True)
class YearPlan:
    """The whole year: its moments in order (the close of the last day is the last one) and its arrivals."""

    request: YearRequest
    moments: tuple[datetime, ...]
    arrivals: tuple[Arrival, ...]

    @property
    def closes_at(self) -> datetime:
        """The close of the last day: the moment at which the year is counted."""
        return self.moments[-1]

    @property
    def codes(self) -> list[str]:
        """The codes that its dossiers get where nobody else files: each place counts those of a day from 1."""
        filed = Counter((arrival.place.code, arrival.moment.date()) for arrival in self.arrivals)
        return [
            str(DossierCode(place, day, number))
            for (place, day), dossiers in filed.items()
            for number in range(1, dossiers + 1)
        ]

    def arrivals_by_moment(self) -> Mapping[datetime, Sequence[Arrival]]:
        """Arrivals of each moment, in the order of filing."""
        found: dict[datetime, list[Arrival]] = {moment: [] for moment in self.moments}
        for arrival in self.arrivals:
            found[arrival.moment].append(arrival)
        return found


def plan_year(rules: Rules, request: YearRequest) -> YearPlan:
    """Plan the year. Raises `Impossible`, naming the largest number, when limits do not allow so many open or late."""
    filing = filing_moments(rules.calendar)
    moments = (*filing, rules.calendar.close(LAST_DAY))
    shuffle = random.Random(request.seed)  # noqa: S311 (a permutation that a reader can repeat, not a secret)
    arrivals = [
        Arrival(number=number, moment=moment, place=place, area_code=area_code, case=case)
        for number, (moment, case, place, area_code) in enumerate(_filings(rules, filing, request.dossiers, shuffle), 1)
    ]
    fates = Fates.of(rules.calendar, moments, [(arrival.case.promised_limit, arrival.moment) for arrival in arrivals])
    chosen = choose_fates(fates, request.open, request.late, shuffle)
    decided = tuple(_with_fate(arrival, chosen, shuffle) for arrival in arrivals)
    return YearPlan(request, _needed(rules.calendar, moments, decided), decided)


def _needed(calendar: Calendar, moments: Sequence[datetime], arrivals: Sequence[Arrival]) -> tuple[datetime, ...]:
    """Leave out the afternoons of a small year at which nobody files and no late dossier's apology must go out."""
    needed = {arrival.moment for arrival in arrivals}
    for arrival in arrivals:
        if arrival.fate is Fate.LATE:
            limit = arrival.case.promised_limit
            due_at = due(calendar, limit, arrival.moment)
            draft_at = apology_draft(calendar, limit, arrival.moment, due_at)
            needed.update(moment for moment in moments if draft_at <= moment <= due_at)
    morning, _ = MOMENTS_OF_A_DAY
    return tuple(moment for moment in moments if moment in needed or moment.time() == morning or moment == moments[-1])


def working_days(calendar: Calendar, first: date = FIRST_DAY, last: date = LAST_DAY) -> list[date]:
    """Working days from `first` to `last`, both included: 229 in the eleven months of 2020."""
    days = (first + timedelta(days=ahead) for ahead in range((last - first).days + 1))
    return [day for day in days if calendar.is_working_day(day)]


def filing_moments(calendar: Calendar) -> tuple[datetime, ...]:
    """List the moments at which dossiers are filed: two on each working day."""
    return tuple(
        datetime.combine(day, moment, tzinfo=ZONE) for day in working_days(calendar) for moment in MOMENTS_OF_A_DAY
    )


def largest_remainder(total: int, weights: Sequence[int], turn: int = 0) -> list[int]:
    """Share `total` by `weights` exactly; equal remainders are served from position `turn` on, going round."""
    whole = sum(weights)
    quotas = [Fraction(total * weight, whole) for weight in weights]
    shares = [int(quota) for quota in quotas]
    size = len(weights)
    order = sorted(range(size), key=lambda index: (shares[index] - quotas[index], (index - turn) % size))
    for index in order[: total - sum(shares)]:
        shares[index] += 1
    return shares


def places_of(case: Case, agencies: Agencies, day: date = FIRST_DAY) -> tuple[Agency, ...]:
    """Where a case may be filed in the year (catalogue column `received_at`), in order of code."""
    places = sorted(agencies.places_of_reception(day), key=lambda place: place.code)
    return tuple(place for place in places if agencies.may_receive(case, place.code, day))


def shares_of_places(rules: Rules, dossiers: int) -> list[tuple[Case, list[tuple[Agency, int]]]]:
    """How many of each case are filed at each place: the counts that no seed changes."""
    cases = [case for case in rules.catalogue.cases if case.year_2020_weight > 0]
    counts = largest_remainder(dossiers, [case.year_2020_weight for case in cases])
    shares, turn = [], 0
    for case, count in zip(cases, counts, strict=True):
        places = places_of(case, rules.agencies)
        shares.append((case, list(zip(places, largest_remainder(count, [1] * len(places), turn), strict=True))))
        turn += count
    return shares


def _filings(
    rules: Rules, filing: Sequence[datetime], dossiers: int, shuffle: random.Random
) -> Iterator[tuple[datetime, Case, Agency, str]]:
    """Every filing in order. Each case's k-th of n stands at (k + ½)/n of the year; the seed deals out the places."""
    queue: list[tuple[Fraction, int, Case, Agency]] = []
    for row, (case, shares) in enumerate(shares_of_places(rules, dossiers)):
        places = [place for place, count in shares for _ in range(count)]
        shuffle.shuffle(places)
        queue += [(Fraction(2 * order + 1, 2 * len(places)), row, case, place) for order, place in enumerate(places)]
    queue.sort(key=lambda entry: entry[:2])
    by_moment: dict[int, list[tuple[Case, Agency]]] = {}
    for position, (_, _, case, place) in enumerate(queue):
        by_moment.setdefault(_filing_of(position, len(filing), dossiers), []).append((case, place))
    homes = _homes(rules.agencies, shuffle)
    for index in sorted(by_moment):
        shuffle.shuffle(by_moment[index])
        for case, place in by_moment[index]:
            home = next(homes)
            yield filing[index], case, place, place.area_code or home


def _filing_of(position: int, filings: int, dossiers: int) -> int:
    """Find the moment of the dossier at this position of the year: its day's share, the morning's half first.

    A day of hardly any dossiers takes them all in the morning: a small year then has half the moments.
    """
    halves = len(MOMENTS_OF_A_DAY)
    days = filings // halves
    day = position * days // dossiers
    first, after = -(-day * dossiers // days), -(-(day + 1) * dossiers // days)
    if after - first < SMALLEST_HALVED_DAY:
        return day * halves
    return day * halves + (position - first) * halves // (after - first)


def _homes(agencies: Agencies, shuffle: random.Random) -> Iterator[str]:
    """Area codes of the communes in turn: where those live who file at the district's desk."""
    areas = sorted(str(commune.area_code) for commune in agencies.communes(FIRST_DAY))
    shuffle.shuffle(areas)
    return itertools.cycle(areas)


def _with_fate(arrival: Arrival, chosen: Mapping[int, Fate], shuffle: random.Random) -> Arrival:
    fate = chosen.get(arrival.number - 1, Fate.ORDINARY)
    if fate is Fate.ORDINARY:
        return arrival
    last = arrival.case.steps[-1].no
    halt = shuffle.randrange(1, last) if fate is Fate.OPEN else last - 1
    return dataclasses.replace(arrival, fate=fate, halt_after=halt)
