"""How far back a legal time may reach (C14): at most three working days, each worked out by hand."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from shared.contracts.backdating import Evidence
from shared.rulebook.backdating import EVIDENCE, earliest_day
from shared.rulebook.calendar import ZONE, Calendar, CalendarYearMissing
from shared.rulebook.loader import load_seed, parse_calendar

BY_HAND = [
    ("plain week", "2020-03-05T09:00", "2020-03-02", "Thu 5 (1), Wed 4 (2), Tue 3 (3): from Mon 2 on."),
    ("over a weekend", "2020-03-10T09:00", "2020-03-05", "Tue 10 (1), Mon 9 (2), Fri 6 (3): from Thu 5 on."),
    ("recorded on a Monday", "2020-03-09T07:00", "2020-03-04", "Mon 9 (1), Fri 6 (2), Thu 5 (3): from Wed 4 on."),
    ("recorded on a Saturday", "2020-03-07T10:00", "2020-03-03", "Fri 6 (1), Thu 5 (2), Wed 4 (3): from Tue 3 on."),
    ("late in the evening", "2020-03-05T23:59", "2020-03-02", "The hour of the record changes no date."),
    (
        "over Tết",
        "2020-01-31T08:00",
        "2020-01-21",
        "Fri 31 (1), Thu 30 (2), Wed 22 (3), 23 to 29 are off: from Tue 21.",
    ),
    ("inside Tết", "2020-01-27T08:00", "2020-01-17", "Wed 22 (1), Tue 21 (2), Mon 20 (3): from Fri 17 on."),
    ("a worked Saturday", "2026-01-12T08:00", "2026-01-08", "Mon 12 (1), Sat 10 worked (2), Fri 9 (3): from Thu 8 on."),
]


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    return parse_calendar("calendar-1", load_seed().calendar)


@pytest.mark.parametrize(
    ("recorded", "earliest", "by_hand"), [case[1:] for case in BY_HAND], ids=[c[0] for c in BY_HAND]
)
def test_it_reaches_three_working_days_back(calendar: Calendar, recorded: str, earliest: str, by_hand: str) -> None:
    moment = datetime.fromisoformat(recorded).replace(tzinfo=ZONE)
    assert earliest_day(calendar, moment) == date.fromisoformat(earliest), by_hand


def test_before_the_calendar_begins_nothing_is_guessed(calendar: Calendar) -> None:
    with pytest.raises(CalendarYearMissing):
        earliest_day(calendar, datetime(2019, 1, 2, 8, tzinfo=ZONE))


def test_every_kind_of_evidence_has_its_names() -> None:
    assert EVIDENCE.keys() == set(Evidence)
