"""One dossier's facts become counts: each once, whatever the order of sources, batches and repeats."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain import figures
from services.metrics.domain.figures import Dossier, ImpossibleFact, Tally
from shared.contracts import facts
from shared.rulebook.calendar import ZONE
from shared.rulebook.figures import Figure

CODE = "H56.97.21-200302-0001"
ACCEPTED = datetime(2020, 3, 2, 9, tzinfo=ZONE)
DUE = datetime(2020, 3, 9, 17, tzinfo=ZONE)
VERSIONS = {"catalogue_version": "catalogue-1-0", "calendar_version": "calendar-1-0"}
STEP = {**VERSIONS, "step_no": 3, "agency": "H56.97.02", "officer": "o"}


def accepted(due: datetime = DUE) -> facts.DossierAccepted:
    return facts.DossierAccepted(
        **VERSIONS,
        agencies_version="agencies-1-0",
        procedure_code="1.000656",
        case_code="default",
        field="land",
        received_by="H56.97.21",
        received_path="90.97.21.",
        competent_agency="H56.97.02",
        competent_path="90.97.02.",
        area_code="16093",
        limit_kind="working_days",
        statutory_due=due,
        promised_due=due,
        tracking_secret_hash="0" * 64,
    )


READY = facts.ResultReady(**STEP, state=facts.State.READY)
APOLOGISED = facts.DossierApologised(
    **VERSIONS, state=facts.State.PROCESSING, agency="a", officer="o", reason="r", reappointed_to=DUE
)


def tally(day: date, figure: Figure) -> Tally:
    return Tally(day, "H56.97.21", "land", figure)


def fold(deliveries: list[tuple[facts.Fact, datetime]]) -> Counter[Tally]:
    dossier, counted = Dossier(CODE), Counter[Tally]()
    for fact, at in deliveries:
        after = figures.change(dossier, fact, at)
        counted.update(figures.difference(dossier, after))
        dossier = after
    return +counted


@pytest.mark.parametrize(
    ("finished", "figure"),
    [
        (DUE - timedelta(days=1), Figure.RESOLVED_ON_TIME),
        (DUE, Figure.RESOLVED_ON_TIME),
        (DUE + timedelta(seconds=1), Figure.RESOLVED_LATE),
    ],
)
def test_a_dossier_is_judged_by_its_finish_against_the_first_promised_moment(
    finished: datetime, figure: Figure
) -> None:
    assert fold([(accepted(), ACCEPTED), (READY, finished)]) == {
        tally(ACCEPTED.date(), Figure.RECEIVED): 1,
        tally(finished.date(), figure): 1,
    }


def test_an_apology_is_counted_and_moves_no_judgement() -> None:
    late = DUE + timedelta(days=2)
    counted = fold([(accepted(), ACCEPTED), (APOLOGISED, DUE - timedelta(hours=8)), (READY, late)])
    assert counted[tally(DUE.date(), Figure.APOLOGIES_PUBLISHED)] == 1
    assert counted[tally(late.date(), Figure.RESOLVED_LATE)] == 1


def test_the_day_is_the_legal_one_whatever_the_offset_of_the_moment() -> None:
    utc = datetime.fromisoformat("2020-03-01T18:30:00+00:00")
    assert fold([(accepted(), utc)]) == {tally(date(2020, 3, 2), Figure.RECEIVED): 1}


def test_nothing_counts_before_acceptance() -> None:
    assert fold([(READY, DUE)]) == Counter()


@pytest.mark.parametrize("fact", [accepted(), READY, APOLOGISED])
def test_a_fact_that_cannot_follow_is_refused(fact: facts.Fact) -> None:
    with pytest.raises(ImpossibleFact):
        fold([(fact, ACCEPTED), (fact, ACCEPTED)])


HISTORIES = st.tuples(st.integers(-48, 48), st.sampled_from([(), (READY,), (APOLOGISED,), (APOLOGISED, READY)]))


@given(history=HISTORIES, place=st.integers(0, 2), repeats=st.lists(st.integers(0, 2), max_size=12))
def test_any_order_of_the_sources_and_any_repeats_count_the_same(
    history: tuple[int, tuple[facts.Fact, ...]], place: int, repeats: list[int]
) -> None:
    """A cursor lets each fact of a source through once and in order; between the sources any order may come."""
    hours, own = history
    processing = [(fact, DUE + timedelta(hours=hours)) for fact in own]
    mixed = [*processing[:place], (accepted(), ACCEPTED), *processing[place:]]
    cursor, let_through = 0, []
    for number in [*repeats, *range(len(mixed)), *repeats]:
        if number == cursor < len(mixed):
            let_through.append(mixed[number])
            cursor += 1
    assert fold(let_through) == fold([(accepted(), ACCEPTED), *processing])
