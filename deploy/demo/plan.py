"""The year's arrivals, worked out before it begins: pure, and the same for the same request.

Counts never depend on the seed. N dossiers are shared among the cases by largest remainder over `year_2020_weight`,
each case's share among its places in equal parts by largest remainder, and every case is spread evenly over the days
on which dossiers are handed in: all working days, or fewer where a short look is asked for. The seed permutes: which of
a case's dossiers is filed where, the order within a day, and who stays open, late or takes a course among those that
may. Fates and arrivals are drawn before courses are, so a year without courses is the same year but for them.
"""

from __future__ import annotations

import dataclasses
import itertools
import random
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction

from deploy.demo.courses import CLOSING, COMING_BACK, WAYS, Course, Detour
from deploy.demo.fates import Fate, Fates, choose_fates
from deploy.demo.turns import Candidate, Map, choose_courses
from shared.rulebook.agencies import Agencies, Agency
from shared.rulebook.calendar import ZONE, Calendar
from shared.rulebook.catalogue import Case, Catalogue
from shared.rulebook.identifiers import DossierCode
from shared.rulebook.limits import apology_draft, due
from shared.rulebook.seats import OfficerRole
from shared.rulebook.steps import assign_steps

FIRST_DAY = date(2020, 1, 1)
LAST_DAY = date(2020, 11, 30)
MOMENTS_OF_A_DAY = (time(8, 0), time(14, 30))
"""Officers may act at these: all places hand in at the first; the second, before the 15:00 cut-off of same-day limits
(C3), is for days on which a late dossier's apology must go out."""
WORKING_DAYS = 229
"""Working days of the eleven months."""


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
    days: int = WORKING_DAYS
    """On how many of the working days dossiers are handed in, evenly spaced."""
    share_closed: float = 0.02
    """How many of all are withdrawn, stopped, or refused after a missed limit."""
    share_detours: float = 0.06
    """How many of all wait for papers, money or a period's end, or have a step sent back, and go on from there."""


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
    course: Course | None = None


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

    def answers_by_moment(self) -> Mapping[datetime, Sequence[Arrival]]:
        """Arrivals whose applicants answer at each moment, or have missed their limit by then: somebody has to look."""
        found: dict[datetime, list[Arrival]] = {moment: [] for moment in self.moments}
        for arrival in self.arrivals:
            course = arrival.course
            if course is not None and course.until is not None and course.way.role:
                found[course.until].append(arrival)
        return found


def plan_year(rules: Rules, request: YearRequest) -> YearPlan:
    """Plan the year.

    Raises `Impossible`, naming the largest number, when limits do not allow so many open, late or on a course.
    """
    days = working_days(rules.calendar)
    moments = (*(_at(day, moment) for day in days for moment in MOMENTS_OF_A_DAY), rules.calendar.close(LAST_DAY))
    shuffle = random.Random(request.seed)  # noqa: S311 (a permutation that a reader can repeat, not a secret)
    filings = _filings(rules, _spread(days, request.days), request.dossiers, shuffle)
    arrivals = [
        Arrival(number=number, moment=_at(day, MOMENTS_OF_A_DAY[0]), place=place, area_code=area_code, case=case)
        for number, (day, case, place, area_code) in enumerate(filings, 1)
    ]
    fates = Fates.of(rules.calendar, moments, [(arrival.case.promised_limit, arrival.moment) for arrival in arrivals])
    chosen = choose_fates(fates, request.open, request.late, shuffle)
    decided = [_with_fate(arrival, chosen, shuffle) for arrival in arrivals]
    on_course = _with_courses(rules, request, [_at(day, MOMENTS_OF_A_DAY[0]) for day in days], decided)
    return YearPlan(request, tuple(_needed(rules.calendar, moments, on_course)), on_course)


def _at(day: date, moment: time) -> datetime:
    return datetime.combine(day, moment, tzinfo=ZONE)


def _spread(days: Sequence[date], wanted: int) -> list[date]:
    """Take so many days, evenly spaced, the first and the last among them."""
    return [days[number * (len(days) - 1) // max(wanted - 1, 1)] for number in range(wanted)]


def _needed(calendar: Calendar, moments: Sequence[datetime], arrivals: Sequence[Arrival]) -> Iterator[datetime]:
    """Pick the moments at which somebody files, an apology must go out or a course goes on, and the end of the year."""
    needed = {arrival.moment for arrival in arrivals} | {moments[-1]}
    for arrival in arrivals:
        if arrival.fate is Fate.LATE:
            limit = arrival.case.promised_limit
            due_at = due(calendar, limit, arrival.moment)
            draft_at = apology_draft(calendar, limit, arrival.moment, due_at)
            first = max(bisect_left(moments, draft_at), bisect_right(moments, arrival.moment))
            needed.add(moments[first])
        if arrival.course is not None:
            needed |= set(_on_the_way(calendar, moments, arrival, arrival.course))
    return (moment for moment in moments if moment in needed)


def _on_the_way(
    calendar: Calendar, moments: Sequence[datetime], arrival: Arrival, course: Course
) -> Iterator[datetime]:
    """Pick the mornings until a course has begun, one for each step on the way there, and the one of its answer."""
    latest = min(course.begins_by, due(calendar, arrival.case.promised_limit, arrival.moment))
    on_the_way = moments[bisect_right(moments, arrival.moment) : bisect_right(moments, latest)]
    yield from (moment for moment in on_the_way if moment.time() == MOMENTS_OF_A_DAY[0])
    if course.until is not None:
        yield course.until


def working_days(calendar: Calendar, first: date = FIRST_DAY, last: date = LAST_DAY) -> list[date]:
    """Working days from `first` to `last`, both included: 229 in the eleven months of 2020."""
    days = (first + timedelta(days=ahead) for ahead in range((last - first).days + 1))
    return [day for day in days if calendar.is_working_day(day)]


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
    rules: Rules, days: Sequence[date], dossiers: int, shuffle: random.Random
) -> Iterator[tuple[date, Case, Agency, str]]:
    """Every filing in order. Each case's k-th of n stands at (k + ½)/n of the year; the seed deals out the places."""
    queue: list[tuple[Fraction, int, Case, Agency]] = []
    for row, (case, shares) in enumerate(shares_of_places(rules, dossiers)):
        places = [place for place, count in shares for _ in range(count)]
        shuffle.shuffle(places)
        queue += [(Fraction(2 * order + 1, 2 * len(places)), row, case, place) for order, place in enumerate(places)]
    queue.sort(key=lambda entry: entry[:2])
    by_day: dict[date, list[tuple[Case, Agency]]] = {}
    for position, (_, _, case, place) in enumerate(queue):
        by_day.setdefault(days[position * len(days) // dossiers], []).append((case, place))
    homes = _homes(rules.agencies, shuffle)
    for day, filed in by_day.items():
        shuffle.shuffle(filed)
        for case, place in filed:
            home = next(homes)
            yield day, case, place, place.area_code or home


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


def _with_courses(
    rules: Rules, request: YearRequest, mornings: Sequence[datetime], arrivals: Sequence[Arrival]
) -> tuple[Arrival, ...]:
    """Give courses to ordinary and open arrivals, as many as the shares say; late ones have trouble enough."""
    wanted = {
        **_parts(request.dossiers, request.share_closed, CLOSING),
        **_parts(request.dossiers, request.share_detours, COMING_BACK),
    }
    if not any(wanted.values()):
        return tuple(arrivals)
    roles = {case.row: _roles(rules, case) for case in rules.catalogue.cases if case.year_2020_weight > 0}
    candidates = {
        position: _candidate(rules.calendar, arrival, roles[arrival.case.row])
        for position, arrival in enumerate(arrivals)
        if arrival.fate is not Fate.LATE
    }
    shuffle = random.Random(f"courses of {request.seed}")  # noqa: S311 (as above)
    courses = choose_courses(Map(rules.calendar, mornings), candidates, wanted, shuffle)
    return tuple(
        dataclasses.replace(arrival, course=courses[position]) if position in courses else arrival
        for position, arrival in enumerate(arrivals)
    )


def _parts(dossiers: int, share: float, detours: Sequence[Detour]) -> dict[Detour, int]:
    """Share out a share of all dossiers, half up, among the detours by their weights."""
    total = int(Fraction(str(share)) * dossiers + Fraction(1, 2))
    weights = [WAYS[detour].weight for detour in detours]
    return dict(zip(detours, largest_remainder(total, weights), strict=True))


def _roles(rules: Rules, case: Case) -> Mapping[int, OfficerRole]:
    """Say by step which role an officer has: the same wherever the case is filed."""
    place = places_of(case, rules.agencies)[0]
    area_code = next(_homes(rules.agencies, random.Random(0)))  # noqa: S311 (as above)
    steps = assign_steps(case, place.code, area_code, rules.agencies, FIRST_DAY)
    return {step.no: step.officer_role for step in steps}


def _candidate(calendar: Calendar, arrival: Arrival, roles: Mapping[int, OfficerRole]) -> Candidate:
    case, stays_open = arrival.case, arrival.fate is Fate.OPEN
    return Candidate(
        case=case,
        roles=roles,
        accepted_at=arrival.moment,
        due_at=due(calendar, case.promised_limit, arrival.moment),
        halts_after=arrival.halt_after if stays_open else case.steps[-1].no,
        may_close=not stays_open,
    )
