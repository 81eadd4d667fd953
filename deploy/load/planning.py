"""Which dossiers a load is made of: when, where and for what each was handed in, in sheaves that share a life. Pure.

Nine of ten are handed over; they came in on the last working days before today. The tenth is under way; it came in on
the last working day, and nothing of it is due yet. Matters are those of the year 2020 in force on their day, each as
often as its weight says among those whose way fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from deploy.faults import DeployError
from deploy.load.lives import Life, Matter, live
from services.intake.domain.attempts import Rules
from shared.rulebook.catalogue import Case as Kind

DAYS = 200
"""Over so many working days those that are handed over came in."""
OPEN_OF = 10
"""One of so many is under way."""
SHEAF, FEWEST_LIVES = 50, 1000
"""At most so many dossiers share a life, and fewer where a load has not so many lives."""
_FIRST_MINUTES = 180
_YEAR = timedelta(days=366)

RulesOn = Callable[[date], Rules]
"""Tells the rules that dossiers were taken in under on a day."""


class NothingFits(DeployError):
    """No dossier can have been handed in; the message says when."""


@dataclass(frozen=True, slots=True)
class Sheaf:
    """So many dossiers of one life."""

    life: Life
    dossiers: int


def sheaves(rules_on: RulesOn, now: datetime, dossiers: int, seed: int = 1) -> Iterator[Sheaf]:
    """Deal out dossiers that were handed in before a legal moment, in the order of their days. Raises NothingFits."""
    dealer = _Dealer(rules_on, now, seed)
    under_way = dossiers // OPEN_OF
    size = min(SHEAF, -(-dossiers // FEWEST_LIVES))
    over = list(_sizes(dossiers - under_way, size))
    for number, each in enumerate(over):
        yield Sheaf(dealer.life(dealer.days[number * len(dealer.days) // len(over)], over=True), each)
    for each in _sizes(under_way, size):
        yield Sheaf(dealer.life(dealer.days[-1], over=False), each)


def _sizes(total: int, size: int) -> Iterator[int]:
    for dealt in range(0, total, size):
        yield min(size, total - dealt)


class _Dealer:
    """Picks matters by their weights, and remembers which kinds have no life that fits."""

    def __init__(self, rules_on: RulesOn, now: datetime, seed: int) -> None:
        self._rules_on, self._now = rules_on, now
        self._random = Random(seed)  # noqa: S311 (a choice that a reader can repeat, not a secret)
        self._unfit: set[tuple[str, str, bool]] = set()
        self.days = [day for day in _days_before(rules_on, now.date()) if _kinds(rules_on(day), day)]
        if not self.days:
            raise NothingFits(f"nothing could be handed in on the {DAYS} working days before {now.date()}")

    def life(self, day: date, *, over: bool) -> Life:
        """Find a life that began on a day and is over by now, or under way with nothing due yet."""
        rules = self._rules_on(day)
        kinds = [kind for kind in _kinds(rules, day) if (*_key(kind), over) not in self._unfit]
        while kinds:
            [kind] = self._random.choices(kinds, [kind.year_2020_weight for kind in kinds])
            life = live(self._matter(kind, rules, day), rules, self._moment(rules, day))
            if life.is_over is over and all(timer.fires_at > self._now for timer in life.timers):
                return life
            self._unfit.add((*_key(kind), over))
            kinds.remove(kind)
        raise NothingFits(f"no dossier of {day} can be {'handed over' if over else 'under way'} at {self._now}")

    def _matter(self, kind: Kind, rules: Rules, day: date) -> Matter:
        place = self._random.choice(
            [
                each
                for each in rules.agencies.places_of_reception(day)
                if rules.agencies.may_receive(kind, each.code, day)
            ]
        )
        homes = [commune.area_code for commune in rules.agencies.communes(day) if commune.area_code]
        return Matter(kind, place, place.area_code or self._random.choice(homes))

    def _moment(self, rules: Rules, day: date) -> datetime:
        return rules.calendar.opening(day) + timedelta(minutes=self._random.randrange(_FIRST_MINUTES))


def _days_before(rules_on: RulesOn, today: date) -> tuple[date, ...]:
    calendar = rules_on(today).calendar
    first = max(today - _YEAR, date(calendar.content.first_year, 1, 1))
    return calendar.working_days(first, today - timedelta(days=1))[-DAYS:] if first < today else ()


def _kinds(rules: Rules, day: date) -> list[Kind]:
    return [kind for kind in rules.catalogue.cases_in_force(day) if kind.year_2020_weight]


def _key(kind: Kind) -> tuple[str, str]:
    return kind.procedure_code, kind.case_code
