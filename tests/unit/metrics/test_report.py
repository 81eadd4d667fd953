"""The report's figures follow their formulas, and each has one."""

from __future__ import annotations

from datetime import date, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain.fields import FIELDS, OTHER, field_of
from services.metrics.domain.figures import NoticeOutcome
from services.metrics.domain.formulas import FORMULAS
from services.metrics.domain.report import (
    Counted,
    CountRow,
    Figures,
    NoticeRow,
    OverdueRow,
    Period,
    Place,
    Report,
    ReportedAgency,
    assemble,
    share,
)
from services.metrics.domain.totals import Totals
from shared.contracts.facts import Channel
from shared.rulebook.calendar import ZONE
from shared.rulebook.figures import Figure
from shared.rulebook.loader import load_seed, parse_catalogue

YEAR = Period(date(2020, 1, 1), date(2020, 11, 30))
AS_OF = datetime(2020, 11, 30, 17, tzinfo=ZONE)
DISTRICT = ReportedAgency(code="H56.97", name_vi="UBND huyện Nga Sơn", name_en="Nga Sơn District", path="90.97.")
PLACES = [
    Place("H56.97.36", "90.97.36.", "UBND xã Nga Phú", "Nga Phú", "3"),
    Place("H56.97.35", "90.97.35.", "UBND xã Nga An", "Nga An", "1"),
]


def row(figure: Figure, within: int, *, before: int = 0, place: str = "H56.97.35", field: str = "land") -> CountRow:
    return CountRow(place, field, figure, before, within)


def report(counts: list[CountRow], overdue: int = 0, notices: list[NoticeRow] | None = None) -> Report:
    rows = [OverdueRow("H56.97.35", "land", overdue)] if overdue else []
    return assemble(
        DISTRICT, YEAR, AS_OF, Counted(PLACES, counts, rows, notices or []), versions={"catalogue": "catalogue-1-0"}
    )


def test_a_period_may_last_to_the_end_of_the_calendar() -> None:
    assert Period(date(2020, 1, 1), date.max).as_of(AS_OF) == AS_OF
    assert Period(date(2020, 1, 1), date(2020, 11, 29)).as_of(AS_OF) == datetime(2020, 11, 29, 23, 59, 59, tzinfo=ZONE)


def test_the_figures_of_the_real_year() -> None:
    figures = report([row(Figure.RECEIVED, 9470), row(Figure.RESOLVED_ON_TIME, 9315)])
    assert (figures.received, figures.resolved, figures.in_progress) == (9470, 9315, 155)
    assert (figures.in_progress_within_limit, figures.in_progress_overdue) == (155, 0)
    assert (figures.share_resolved_of_received, figures.share_on_time) == (0.9836, 1.0)


def test_late_and_closed_ones_are_resolved_but_not_on_time() -> None:
    figures = report(
        [
            row(Figure.RECEIVED, 9470),
            row(Figure.RESOLVED_ON_TIME, 9291),
            row(Figure.RESOLVED_LATE, 12),
            row(Figure.CLOSED_WITHOUT_RESULT, 12),
            row(Figure.APOLOGIES_PUBLISHED, 12),
        ],
        overdue=5,
    )
    assert (figures.resolved, figures.in_progress) == (9315, 155)
    assert (figures.in_progress_within_limit, figures.in_progress_overdue) == (150, 5)
    assert figures.share_on_time == share(9291, 9303) == 0.9987
    assert figures.apologies_published == 12


def test_shares_are_rounded_half_up_and_absent_without_a_denominator() -> None:
    assert share(0, 0) is None
    assert share(1, 3) == 0.3333
    assert share(1, 20_000) == 0.0001
    nothing = report([])
    assert nothing.share_on_time is None
    assert nothing.share_resolved_of_received is None


def test_what_was_open_before_the_period_is_carried_over() -> None:
    figures = report([row(Figure.RECEIVED, 5, before=10), row(Figure.RESOLVED_ON_TIME, 6, before=7)])
    assert (figures.carried_over, figures.received, figures.resolved, figures.in_progress) == (3, 5, 6, 2)
    assert figures.share_resolved_of_received == 0.75


def test_a_reopened_dossier_is_in_progress_and_never_resolved_twice() -> None:
    """Finished on time in the period, or before it (the other place), reopened in it, and finished anew late."""
    inside = [row(Figure.RECEIVED, 1), row(Figure.RESOLVED_ON_TIME, 1), row(Figure.REOPENED_ON_TIME, 1)]
    taken_back = row(Figure.RESOLVED_ON_TIME, -1)
    open_again = report([*inside, taken_back])
    assert (open_again.resolved, open_again.in_progress, open_again.reopened) == (0, 1, 1)
    late = report([*inside, taken_back, row(Figure.RESOLVED_LATE, 1)])
    assert (late.resolved_on_time, late.resolved_late, late.in_progress) == (0, 1, 0)
    before = [row(Figure.RECEIVED, 0, before=1), row(Figure.RESOLVED_ON_TIME, 0, before=1)]
    again = [row(Figure.REOPENED_ON_TIME, 1), row(Figure.RESOLVED_ON_TIME, 0, before=-1)]
    carried = report([*before, *again])
    assert (carried.carried_over, carried.resolved, carried.in_progress, carried.reopened) == (1, 0, 1, 1)
    assert report(before).carried_over == 0
    done = report([*before, *again, row(Figure.RESOLVED_LATE, 1)])
    assert (done.carried_over, done.resolved, done.in_progress) == (1, 1, 0)


def test_places_stand_in_dictionary_order_and_without_dossiers_too() -> None:
    figures = report([row(Figure.RECEIVED, 1)])
    assert [place.place for place in figures.by_place] == ["H56.97.35", "H56.97.36"]
    assert [place.received for place in figures.by_place] == [1, 0]


def test_a_field_that_nobody_listed_is_counted_among_the_others() -> None:
    figures = report([row(Figure.RECEIVED, 2, field="astronomy"), row(Figure.RECEIVED, 1)])
    assert figures.by_field[-1].field == OTHER.code
    assert sum(field.received for field in figures.by_field) == figures.received == 3
    assert OTHER.code not in {field.field for field in report([]).by_field}


def test_every_field_of_the_catalogue_is_listed_under_its_name() -> None:
    cases = parse_catalogue("catalogue-1-0", load_seed().catalogue).cases
    assert {(case.field, case.field_vi) for case in cases} == {(field.code, field.name_vi) for field in FIELDS[:-1]}


def test_notices_are_summed_by_outcome_and_by_channel() -> None:
    figures = report(
        [],
        notices=[
            NoticeRow(Channel.SMS, NoticeOutcome.DELIVERED, 3),
            NoticeRow(Channel.EMAIL, NoticeOutcome.DELIVERED, 1),
            NoticeRow(Channel.SMS, NoticeOutcome.UNKNOWN, 2),
        ],
    )
    assert figures.notices.model_dump() == {"handed_over": 0, "delivered": 4, "unknown": 2, "failed": 0}
    assert figures.notices_by_channel[Channel.SMS].delivered == 3


def test_a_period_that_is_over_is_judged_at_its_end() -> None:
    now = datetime(2020, 3, 2, 9, 30, tzinfo=ZONE)
    assert Period(date(2020, 1, 1), date(2020, 2, 29)).as_of(now) == datetime(2020, 2, 29, 23, 59, 59, tzinfo=ZONE)
    assert Period(date(2020, 1, 1), date(2020, 3, 2)).as_of(now) == now


def test_every_published_figure_has_its_formula_in_both_languages() -> None:
    figures = [line.figure for line in FORMULAS]
    assert figures == [*Figures.model_fields, "notices"]
    assert all(line.vi and line.en and line.name_vi and line.name_en and line.vi != line.en for line in FORMULAS)


ROWS = st.builds(
    CountRow,
    place=st.sampled_from([place.code for place in PLACES]),
    field=st.sampled_from([field.code for field in FIELDS]),
    figure=st.sampled_from(Figure),
    before=st.integers(0, 50),
    within=st.integers(0, 50),
)


@given(rows=st.lists(ROWS, max_size=40), overdue=st.integers(0, 5))
def test_the_identities_hold_for_any_counts(rows: list[CountRow], overdue: int) -> None:
    whole = report(rows, overdue)
    for figures in (whole, *whole.by_field, *whole.by_place):
        assert figures.carried_over + figures.received == figures.resolved + figures.in_progress
        assert figures.in_progress == figures.in_progress_within_limit + figures.in_progress_overdue
        assert figures.resolved == (figures.resolved_on_time + figures.resolved_late + figures.closed_without_result)
    for name in ("received", "resolved", "in_progress", "in_progress_overdue", "apologies_published", "carried_over"):
        assert sum(getattr(field, name) for field in whole.by_field) == getattr(whole, name)
        assert sum(getattr(place, name) for place in whole.by_place) == getattr(whole, name)


def test_every_label_is_exported_from_the_first_scrape() -> None:
    reopened = Totals.of(
        [("land", Figure.RECEIVED, 4), ("land", Figure.RESOLVED_LATE, 3), ("land", Figure.REOPENED_LATE, 2)], [], []
    )
    assert reopened.in_progress("land") == 3
    totals = Totals.of([("land", Figure.RECEIVED, 4), ("astronomy", Figure.RECEIVED, 1)], [("land", 1)], [])
    assert {field for field, _ in totals.figures} == {field.code for field in FIELDS} == set(totals.overdue)
    assert totals.of_all_fields(Figure.RECEIVED) == 5
    assert totals.in_progress("land") == 4
    assert totals.in_progress(field_of("astronomy").code) == 1
    assert set(totals.notices.values()) == {0}
