"""A procedure without an appointment: no due moment under any pause, nothing to warn of, said so in both languages."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from shared.contracts.facts import Language
from shared.rulebook.calendar import ZONE
from shared.rulebook.catalogue import Case, SupplementPolicy
from shared.rulebook.explanation import explain
from shared.rulebook.explanation_data import explanation_data
from shared.rulebook.explanation_text import WORDS, explanation_text, result_text
from shared.rulebook.figures import Figure, resolved_as
from shared.rulebook.limits import NO_APPOINTMENT, Limit, LimitKind, appointed, due, overdue_from
from shared.rulebook.loader import load_seed, parse_calendar, parse_catalogue
from shared.rulebook.pauses import Pause, PauseKind
from shared.rulebook.reckoning import Effect, reckon
from shared.rulebook.rule_files.catalogue_changes import Base, with_changes
from shared.rulebook.rule_files.faults import RuleFileFaulty

CALENDAR = parse_calendar("calendar-1", load_seed().calendar)
NONE = Limit(LimitKind.NONE, 0)
MONDAY = datetime(2020, 3, 2, 9, tzinfo=ZONE)
ASKED, ARRIVED = datetime(2020, 3, 4, 10, tzinfo=ZONE), datetime(2020, 3, 11, 14, 30, tzinfo=ZONE)
SUPPLEMENT = Pause(PauseKind.SUPPLEMENT, ASKED, ARRIVED)
HEADER = "procedure_code,case_code,field,value"
SEED = parse_catalogue("catalogue-1", load_seed().catalogue)
LAND = tuple(
    f"1.012784,default,{field},{value}"
    for field, value in (("limit_kind", "none"), ("statutory", ""), ("promised", ""))
)


@pytest.mark.parametrize("policy", SupplementPolicy)
@pytest.mark.parametrize("pauses", [(), (SUPPLEMENT,)], ids=["no pause", "a supplement"])
def test_nothing_is_ever_due_and_nothing_is_warned_of(policy: SupplementPolicy, pauses: tuple[Pause, ...]) -> None:
    found = reckon(CALENDAR, NONE, MONDAY, pauses, policy)
    assert (found.due_at, found.paused_since) == (NO_APPOINTMENT, None)
    assert (found.half_time_at, found.apology_draft_at) == (None, None)
    laid_out = explain(CALENDAR, found)
    assert laid_out.reaches == NO_APPOINTMENT
    assert not any(counting.lines for counting in laid_out.countings)


def test_a_pause_stands_and_says_since_when() -> None:
    found = reckon(CALENDAR, NONE, MONDAY, [Pause(PauseKind.PAYMENT, ASKED, None)], SupplementPolicy.RESUME)
    assert (found.due_at, found.paused_since) == (None, ASKED)
    assert [weighed.effect for weighed in found.pauses] == [Effect.OPEN]


def test_no_moment_of_the_law_is_late_by_it() -> None:
    assert not appointed(NO_APPOINTMENT)
    assert appointed(due(CALENDAR, Limit(LimitKind.WORKING_DAYS, 900), MONDAY))
    assert due(CALENDAR, NONE, datetime(2027, 12, 31, 23, tzinfo=ZONE)) == NO_APPOINTMENT
    assert resolved_as(NO_APPOINTMENT, datetime(2027, 12, 31, 23, tzinfo=ZONE)) is Figure.RESOLVED_ON_TIME
    assert overdue_from(NO_APPOINTMENT).year == 9999


@pytest.mark.parametrize("language", Language)
def test_the_explanation_says_that_there_is_no_appointed_day_and_names_none(language: Language) -> None:
    found = explain(CALENDAR, reckon(CALENDAR, NONE, MONDAY, [SUPPLEMENT], SupplementPolicy.RESUME))
    text = explanation_text(found, language)
    assert text[0] == WORDS[language]["none"]
    assert not any("9999" in line for line in (*text, *result_text(found.reckoning, language)))
    assert explanation_data(found)["limit"] == {"unit": "none", "n": None, "cutoff": None}


def laid(*given: str) -> Case:
    content = with_changes("\n".join((HEADER, *given, "")), Base(SEED, date(2027, 1, 4)))
    return next(case for case in content.cases if case.procedure_code == "1.012784")


def test_a_change_takes_a_case_to_no_appointment_and_back() -> None:
    without = laid(*LAND)
    assert without.promised_limit == without.statutory_limit == NONE
    assert without.filed_online.promised_limit == NONE
    back = laid("1.012784,default,limit_kind,calendar_days")
    assert back.promised_limit == Limit(LimitKind.CALENDAR_DAYS, 4)


@pytest.mark.parametrize(
    "more",
    [
        ("1.012784,default,promised,1",),
        ("1.012784,default,promised_online,1",),
        ("1.012784,default,cut_off,15:00",),
    ],
)
def test_no_appointment_with_an_amount_or_a_cut_off_is_refused(more: tuple[str, ...]) -> None:
    lines = [line for line in LAND if line.split(",")[2] != more[0].split(",")[2]]
    with pytest.raises(RuleFileFaulty) as refused:
        laid(*lines, *more)
    assert [fault.code for fault in refused.value.faults] == ["limits"]
