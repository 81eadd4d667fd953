"""Why a dossier is due when it is: it adds up to what is stored or is not shown; who, why, on what; both languages."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.processing.api.deadline_text import WORDS, deadline_text
from services.processing.api.deadline_views import DeadlineView, deadline_view
from services.processing.domain.acts import Act
from services.processing.domain.cases import Case
from services.processing.domain.deadlines import ClockDiffers, Deadline, LimitName, deadline_of
from services.processing.domain.duties import duties
from services.processing.domain.step_times import step_times
from shared.contracts.facts import Language
from shared.rulebook.calendar import Calendar
from shared.rulebook.catalogue import Case as Kind
from tests.unit.processing.office import do, kinds, means, opened, rules
from tests.unit.processing.test_pausing import (
    ARRIVED,
    CLERK,
    LAND,
    PAPERS,
    RESTARTS,
    TAXED,
    acted,
    arrive,
    march,
    waiting,
)


def calendars() -> tuple[Calendar, ...]:
    return (rules().calendar,)


def explained(case: Case) -> Deadline:
    return deadline_of(case, means().kind_of(case), calendars())


def view_of(case: Case, *, officers: bool = True) -> DeadlineView:
    kind, now = means().kind_of(case), case.accepted_at + timedelta(hours=1)
    times = step_times(case, kind, means().calendar, now)
    return deadline_view(case, (kind, rules().agencies), explained(case), times, officers=officers)


def text_of(case: Case, language: Language, *, officers: bool = True) -> list[str]:
    return deadline_text(view_of(case, officers=officers), explained(case), language).splitlines()


def received() -> Case:
    """Vector 18: asked on 4 March, complete on the 11th, confirmed on the 12th."""
    return acted(arrive(waiting(), ARRIVED), Act("receive_supplement"), CLERK, march(12, 9)).after


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: f"{kind.procedure_code}-{kind.case_code}")
def test_each_case_of_the_catalogue_adds_up_by_both_limits(kind: Kind) -> None:
    case = opened(kind).case
    found = explained(case)
    assert found.promised.explanation.reaches == case.promised_due
    assert found.statutory.explanation.reaches == case.statutory_due
    assert found.promised.calendar_version == case.calendar_version


def test_a_pause_is_told_with_who_why_and_on_what_article() -> None:
    shown = view_of(received())
    (pause,) = shown.pauses
    assert (pause.number, pause.kind, pause.began_at, pause.ended_at) == (1, "supplement", march(4, 10), ARRIVED)
    assert (pause.officer, pause.ended_by, pause.agency.code) == ("clerk", "clerk", CLERK.agency)
    assert [paper.code for paper in pause.papers] == list(PAPERS)
    assert (pause.basis.code, pause.basis.name_vi) == ("nd61_2018_d19", "Nghị định 61/2018/NĐ-CP")
    assert (shown.promised.due_at, shown.statutory.due_at) == (march(11), march(16))
    by_law = shown.statutory
    assert (by_law.wanted, by_law.runs[-1].total, by_law.counted_in) == (5, 5, "days")
    stopped = [line.date.day for line in by_law.runs[0].lines if line.pauses == [1]]
    assert stopped == [4, 5, 6, 9, 10]
    assert (by_law.half_time_at, by_law.apology_draft_at) == (None, None), "warnings are of the promised limit (C12)"


def test_the_public_reads_no_officers_name() -> None:
    (pause,) = view_of(received(), officers=False).pauses
    assert (pause.officer, pause.ended_by) == (None, None)
    assert pause.agency.name_vi
    for language in Language:
        told, public = (text_of(received(), language, officers=officers) for officers in (True, False))
        assert sum("clerk" in line for line in told) == 2
        steps = told.index(WORDS[language]["steps"]) - 1
        assert [line for line in told[:steps] if "clerk" not in line] == public


def test_an_open_pause_has_no_due_moment_and_says_since_when() -> None:
    shown = view_of(waiting())
    assert (shown.promised.due_at, shown.promised.paused_since) == (None, march(4, 10))
    assert shown.promised.pauses[0].effect == "open"
    text = text_of(waiting(), Language.VI)
    assert sum(line.startswith("Tạm dừng từ 10:00 thứ Tư 04/03/2020") for line in text) == 2
    assert not any(line.startswith("Hạn trả:") for line in text)


def test_a_restart_is_told_with_the_counting_that_it_gave_up() -> None:
    desk = replace(CLERK, agency=opened(RESTARTS).case.received_by)
    case = opened(RESTARTS).case
    case = do(case, duties(case)[0]).after
    asked = acted(case, Act("request_supplement", papers=(RESTARTS.papers[0].code,)), desk, march(3, 10)).after
    shown = view_of(acted(arrive(asked, ARRIVED), Act("receive_supplement"), desk, march(12, 9)).after)
    assert [run.begins_at for run in shown.statutory.runs] == [case.accepted_at, ARRIVED]
    assert (shown.supplement_policy, shown.statutory.pauses[0].effect) == ("restart", "restarts")


def test_a_payment_and_a_period_say_what_they_wait_for() -> None:
    case = opened(LAND).case
    case = do(case, duties(case)[0]).after
    surveyor = replace(CLERK, role="specialist", agency=case.steps[1].agency, subject=case.steps[1].holder or "")
    surveyed = acted(case, Act("pause", step_no=2, period=case.steps[1].period), surveyor, march(3, 8)).after
    (pause,) = view_of(surveyed).pauses
    assert pause.step is not None
    assert (pause.step.name_vi, pause.basis.code) == (LAND.step(2).name_vi, "procedure_excluded_period")
    taxed = opened(TAXED).case
    taxed = do(taxed, duties(taxed)[0]).after
    officer = replace(CLERK, role="specialist", agency=taxed.steps[1].agency, subject=taxed.steps[1].holder or "")
    owed = acted(taxed, Act("demand_payment", amount_vnd=1_250_000), officer, march(3, 8)).after
    (pause,) = view_of(owed).pauses
    assert (pause.amount_vnd, pause.limit_at is not None) == (1_250_000, True)
    assert "   Số tiền phải nộp: 1.250.000 đồng" in text_of(owed, Language.VI)


@pytest.mark.parametrize("name", LimitName)
def test_a_sum_that_differs_from_what_is_stored_is_never_shown(name: LimitName) -> None:
    """Weakness 1: somebody sets a due moment by hand; weakness 4: a date that nothing adds up to."""
    case, rotten = received(), f"{name}_due"
    changes: dict[str, Any] = {rotten: getattr(case, rotten) + timedelta(days=1)}
    moved = replace(case, **changes)
    with pytest.raises(ClockDiffers) as raised:
        explained(moved)
    assert raised.value.limit is name
    assert (raised.value.stored.due_at, raised.value.reckoned.due_at) == (
        getattr(moved, rotten),
        getattr(case, rotten),
    )
    with pytest.raises(ClockDiffers):
        explained(replace(case, **{rotten.replace("due", "paused_since"): changes[rotten]}))
    with pytest.raises(ClockDiffers):
        explained(replace(case, halts=()))


def test_the_calendar_that_a_date_was_issued_by_is_found_among_those_that_were_followed() -> None:
    content = rules().calendar.content
    fewer = Calendar("calendar-2-bbbbbbbbbbbb", content.model_copy(update={"special_days": ()}), {march(3).date(): ()})
    found = deadline_of(received(), means().kind_of(received()), (fewer, *calendars()))
    assert found.statutory.calendar_version == rules().calendar.version


def test_a_date_that_was_kept_when_working_days_changed_says_so_and_one_that_was_issued_anew_does_not() -> None:
    """One limit may go by the older calendar while the other goes by the newer one (ADR 61)."""
    case = replace(received(), calendar_followed="calendar-2", statutory_calendar="calendar-2")
    newer = Calendar("calendar-2", rules().calendar.content, {})
    kind = means().kind_of(case)
    deadline = deadline_of(case, kind, (newer, *calendars()))
    times = step_times(case, kind, means().calendar, march(12))
    view = deadline_view(case, (kind, rules().agencies), deadline, times, officers=False)
    assert (view.promised.calendar_version, view.promised.calendar_followed) == (case.calendar_version, "calendar-2")
    assert (view.statutory.calendar_version, view.statutory.calendar_followed) == ("calendar-2", "calendar-2")
    for language in Language:
        text = deadline_text(view, deadline, language).splitlines()
        kept = WORDS[language]["kept"].format(version="calendar-2")
        assert text.count(kept) == 1
        assert text.index(WORDS[language]["promised"]) < text.index(kept) < text.index(WORDS[language]["statutory"])


def test_the_text_says_both_limits_and_can_be_printed() -> None:
    text = text_of(received(), Language.VI)
    for line in (
        "GIẢI TRÌNH THỜI HẠN GIẢI QUYẾT HỒ SƠ H56.97.21-200302-0001",
        "1. chờ bổ sung giấy tờ: từ 10:00 thứ Tư 04/03/2020 đến 14:30 thứ Tư 11/03/2020",
        "   Căn cứ: Nghị định 61/2018/NĐ-CP",
        "THỜI HẠN THEO QUY ĐỊNH",
        "Hạn trả: 17:00 thứ Hai 16/03/2020",
        "Hạn trả: 17:00 thứ Tư 11/03/2020",
        "  thứ Sáu 06/03/2020: không tính, đang tạm dừng vào lúc hết giờ làm việc (lần 1) (C6)",
    ):
        assert line in text
    english = text_of(received(), Language.EN)
    assert len(english) == len(text)
    assert "Due: 17:00 Monday 2020-03-16" in english


def test_the_languages_have_the_same_words_and_placeholders() -> None:
    def placeholders(words: dict[str, str]) -> dict[str, set[str | None]]:
        return {name: {field for _, field, _, _ in string.Formatter().parse(text)} for name, text in words.items()}

    assert placeholders(dict(WORDS[Language.VI])) == placeholders(dict(WORDS[Language.EN]))
