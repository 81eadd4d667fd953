"""One dossier's facts become counts: each once, whatever the order of sources, batches and repeats."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import permutations

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

REOPENED = facts.ResultReopened(
    **VERSIONS, state=facts.State.PROCESSING, agency="a", officer="o", reason="r", finished_at=DUE, promised_due=DUE
)


WHO = {**VERSIONS, "agency": "a", "officer": "o"}


def asked(number: int = 1, due: datetime | None = None) -> facts.SupplementRequested:
    return facts.SupplementRequested(
        **WHO,
        state=facts.State.WAITING_FOR_PAPERS,
        basis="b",
        statutory_due=due,
        promised_due=due,
        procedure_code="1.000656",
        case_code="default",
        number=number,
        papers=("x",),
        limit_at=DUE,
        policy="resume",
        proposed_by="",
    )


def received(due: datetime) -> facts.SupplementReceived:
    return facts.SupplementReceived(
        **WHO,
        state=facts.State.PROCESSING,
        statutory_due=due,
        promised_due=due,
        number=1,
        asked_at=ACCEPTED,
        arrived_at=ACCEPTED,
        restarted=False,
    )


WITHDRAWN = facts.DossierWithdrawn(**WHO, state=facts.State.WITHDRAWN, requested_at=ACCEPTED)
STOPPED = facts.DossierStopped(**WHO, state=facts.State.STOPPED, cause=facts.StopCause.UNPAID)
REFUSED = facts.RefusedAfterLimit(**WHO, state=facts.State.REFUSED, limit_at=DUE)
LATER = DUE + timedelta(days=7)


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


def test_a_date_that_was_issued_anew_is_the_one_that_is_judged_by_whatever_arrives_first() -> None:
    moved, at = DUE + timedelta(days=1), DUE - timedelta(days=3)
    reissued = facts.DeadlineReissued(
        **VERSIONS,
        state=facts.State.PROCESSING,
        statutory_due=moved,
        promised_due=moved,
        previous_statutory_due=DUE,
        previous_promised_due=DUE,
        previous_calendar_version="calendar-0-0",
    )
    finish = (READY, moved)
    for history in permutations([(accepted(), ACCEPTED), (reissued, at), finish]):
        assert fold(list(history)) == {
            tally(ACCEPTED.date(), Figure.RECEIVED): 1,
            tally(moved.date(), Figure.RESOLVED_ON_TIME): 1,
        }
    late = fold([(accepted(), ACCEPTED), (reissued, at), (READY, moved + timedelta(seconds=1))])
    assert late[tally(moved.date(), Figure.RESOLVED_LATE)] == 1


def test_a_reopened_dossier_is_in_progress_again_and_what_was_published_of_a_day_stays() -> None:
    days = [DUE - timedelta(days=2), DUE - timedelta(days=1), DUE]
    history: list[tuple[facts.Fact, datetime]] = [(accepted(), ACCEPTED), (READY, days[0])]
    finished = fold(history)
    reopened = fold([*history, (REOPENED, days[1])])
    assert reopened == {**finished, tally(days[1].date(), Figure.REOPENED_ON_TIME): 1}
    again = fold([*history, (REOPENED, days[1]), (READY, days[2])])
    assert again == {**reopened, tally(days[2].date(), Figure.RESOLVED_ON_TIME): 1}


@pytest.mark.parametrize(
    ("first", "last", "figures_of_both"),
    [
        (-1, 0, (Figure.RESOLVED_ON_TIME, Figure.RESOLVED_ON_TIME)),
        (-1, 1, (Figure.RESOLVED_ON_TIME, Figure.RESOLVED_LATE)),
        (1, 2, (Figure.RESOLVED_LATE, Figure.RESOLVED_LATE)),
    ],
)
def test_it_is_judged_by_its_last_finish_and_late_if_either_was(
    first: int, last: int, figures_of_both: tuple[Figure, Figure]
) -> None:
    finishes = [DUE + timedelta(days=days) for days in (first, last)]
    counted = fold([(accepted(), ACCEPTED), (READY, finishes[0]), (REOPENED, finishes[0]), (READY, finishes[1])])
    assert [counted[tally(at.date(), figure)] for at, figure in zip(finishes, figures_of_both, strict=True)] == [1, 1]
    net = Counter(each.figure for each in counted.elements())
    late = net[Figure.RESOLVED_LATE] - net[Figure.REOPENED_LATE]
    assert (late, net[Figure.RESOLVED_ON_TIME] - net[Figure.REOPENED_ON_TIME]) == ((1, 0) if last > 0 else (0, 1))


def test_late_stays_late_even_where_the_last_finish_would_be_on_time() -> None:
    """The promised moment moves only where the law says so; were it moved after a late finish, that would not help."""
    late = DUE + timedelta(days=1)
    dossier = Dossier(CODE)
    for fact, at in ((accepted(), ACCEPTED), (READY, late), (REOPENED, late)):
        dossier = figures.change(dossier, fact, at)
    moved = replace(dossier, promised_due=late + timedelta(days=9))
    finished = figures.change(moved, READY, late + timedelta(days=1))
    assert figures.tallies(finished)[tally((late + timedelta(days=1)).date(), Figure.RESOLVED_LATE)] == 1


def test_finished_reopened_and_finished_at_one_moment_counts_each() -> None:
    counted = fold([(accepted(), ACCEPTED), (READY, DUE), (REOPENED, DUE), (READY, DUE), (REOPENED, DUE), (READY, DUE)])
    assert counted[tally(DUE.date(), Figure.RESOLVED_ON_TIME)] == 3
    assert counted[tally(DUE.date(), Figure.REOPENED_ON_TIME)] == 2


def test_what_was_never_finished_is_not_reopened() -> None:
    with pytest.raises(ImpossibleFact):
        fold([(accepted(), ACCEPTED), (REOPENED, DUE)])


def test_the_day_is_the_legal_one_whatever_the_offset_of_the_moment() -> None:
    utc = datetime.fromisoformat("2020-03-01T18:30:00+00:00")
    assert fold([(accepted(), utc)]) == {tally(date(2020, 3, 2), Figure.RECEIVED): 1}


def test_nothing_counts_before_acceptance() -> None:
    assert fold([(READY, DUE)]) == Counter()


@pytest.mark.parametrize("fact", [accepted(), READY, APOLOGISED])
def test_a_fact_that_cannot_follow_is_refused(fact: facts.Fact) -> None:
    with pytest.raises(ImpossibleFact):
        fold([(fact, ACCEPTED), (fact, ACCEPTED)])


@pytest.mark.parametrize(("due", "figure"), [(LATER, Figure.RESOLVED_ON_TIME), (DUE, Figure.RESOLVED_LATE)])
def test_after_a_pause_the_moment_in_force_judges(due: datetime, figure: Figure) -> None:
    finished = DUE + timedelta(days=1)
    counted = fold([(accepted(), ACCEPTED), (asked(), DUE), (received(due), DUE), (READY, finished)])
    assert counted == {tally(ACCEPTED.date(), Figure.RECEIVED): 1, tally(finished.date(), figure): 1}


def test_while_it_is_paused_nothing_is_due_unless_it_was_late_already() -> None:
    known = figures.change(Dossier(CODE), accepted(), ACCEPTED)
    paused = figures.change(known, asked(), ACCEPTED)
    assert (paused.promised_due, paused.paused) == (None, True)
    assert figures.tallies(paused) == figures.tallies(known)
    late = figures.change(known, asked(due=DUE), LATER)
    assert (late.promised_due, late.paused) == (DUE, False)
    with pytest.raises(ImpossibleFact):
        figures.change(paused, READY, DUE)


def test_what_processing_said_stands_whenever_the_acceptance_arrives() -> None:
    for heard in ([asked()], [asked(), received(LATER)]):
        before = Dossier(CODE)
        for fact in heard:
            before = figures.change(before, fact, ACCEPTED)
        after = figures.change(before, accepted(), ACCEPTED)
        assert (after.promised_due, after.paused) == (before.promised_due, before.paused)


@pytest.mark.parametrize("closing", [WITHDRAWN, STOPPED, REFUSED])
def test_what_is_closed_without_a_result_is_resolved_and_not_judged(closing: facts.Fact) -> None:
    counted = fold([(accepted(), ACCEPTED), (asked(), ACCEPTED), (closing, LATER)])
    assert counted == {
        tally(ACCEPTED.date(), Figure.RECEIVED): 1,
        tally(LATER.date(), Figure.CLOSED_WITHOUT_RESULT): 1,
    }
    with pytest.raises(ImpossibleFact):
        fold([(accepted(), ACCEPTED), (READY, DUE), (closing, LATER)])
    with pytest.raises(ImpossibleFact):
        fold([(accepted(), ACCEPTED), (closing, DUE), (closing, LATER)])


def test_each_further_request_for_papers_is_counted_in_public() -> None:
    history = [(asked(), DUE), (received(LATER), DUE), (asked(2), LATER), (received(LATER), LATER), (asked(3), LATER)]
    counted = fold([(accepted(), ACCEPTED), *history])
    assert counted[tally(LATER.date(), Figure.SUPPLEMENTS_REPEATED)] == 2
    assert counted[tally(DUE.date(), Figure.SUPPLEMENTS_REPEATED)] == 0


def test_what_counts_from_before_its_record_is_received_and_counted_on_the_day_of_the_record() -> None:
    said = facts.Backdating(
        recorded_at=LATER, evidence=facts.Evidence.POSTMARK, approved_by="chief", approving_agency="H56.97"
    )
    counted = fold([(accepted().model_copy(update={"backdating": said}), ACCEPTED)])
    assert counted == {
        tally(LATER.date(), Figure.RECEIVED): 1,
        tally(LATER.date(), Figure.BACKDATED): 1,
    }


HISTORIES_OF_PROCESSING: list[tuple[facts.Fact, ...]] = [
    *((), (READY,), (APOLOGISED,), (APOLOGISED, READY), (READY, REOPENED), (READY, REOPENED, APOLOGISED, READY)),
    *((asked(),), (asked(), received(LATER), READY), (asked(), received(DUE), asked(2), WITHDRAWN), (STOPPED,)),
]
HISTORIES = st.tuples(st.integers(-48, 48), st.sampled_from(HISTORIES_OF_PROCESSING))


@given(history=HISTORIES, place=st.integers(0, 4), repeats=st.lists(st.integers(0, 4), max_size=12))
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
