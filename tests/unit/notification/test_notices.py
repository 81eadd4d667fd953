"""Every fact of the lifecycle is told or has a reason not to be; every text fits its channel."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from services.notification.channels.texts import load_wording
from services.notification.domain.gsm import NotGsm, parts
from services.notification.domain.notices import NOTICES, POLICIES, NoNotice, Notice, Policy
from services.notification.domain.wording import TextError, Wording, text_name, unaccented
from services.notification.domain.words import show_moment
from services.notification.domain.zalo import MOST_PARAGRAPHS, MOST_PLACES, PARAGRAPH_LETTERS, TITLE_LETTERS
from shared.contracts.facts import FACTS, Channel, Language
from shared.contracts.topics import LIFECYCLE
from shared.rulebook.limits import NO_APPOINTMENT
from shared.rulebook.loader import load_seed, parse_catalogue
from shared.rulebook.refusals import EVERY_REASON, REASONS

CODE = "H56.97.021-200102-00010"
SECRET = "_" + "w" * 20 + "-"
WORDING = load_wording()
LONGEST_REASON = max(EVERY_REASON, key=lambda code: len(EVERY_REASON[code].vi))
CATALOGUE = parse_catalogue("catalogue-1", load_seed().catalogue)
ASKED: Any = {
    "catalogue_version": "catalogue-1",
    "procedure_code": "1.000894",
    "case_code": "default",
    "papers": ("giay-to-tuy-than", "tk-ket-hon"),
}
LONGEST = {
    "policy": "restart",
    "period": "council",
    "cause": "withdrawal",
    "limit": "supplement",
    "amount_vnd": 1_000_000_000_000,
}
"""Code of a fact → the value that takes the most room; else it is a reason of a refusal."""
TOLD = {kind: entry for kind, entry in NOTICES.items() if isinstance(entry, Notice)}
TEXTS = list(itertools.product(TOLD, Language, Channel))


def shown(kind: str, reason: str = LONGEST_REASON) -> dict[str, Any]:
    notice = TOLD[kind]
    moments: Any = dict.fromkeys(notice.moments, datetime(2020, 1, 13, 10, tzinfo=UTC))
    codes: Any = {name: LONGEST.get(name, reason) for name in notice.codes}
    fact = FACTS[kind].model_construct(**moments, **codes, **ASKED)
    return {
        "code": CODE,
        "tracking_page": "motcua.example/tra-cuu",
        "tracking_secret": SECRET,
        **notice.parameters(fact, lambda _version: CATALOGUE),
    }


def test_every_published_fact_of_a_dossier_has_a_notice_or_a_reason_for_none() -> None:
    published = {model.TYPE for models in LIFECYCLE.writers.values() for model in models}
    assert set(NOTICES) == published
    assert all(entry.reason for entry in NOTICES.values() if isinstance(entry, NoNotice))


def test_the_facts_that_are_told() -> None:
    assert {entry.template: entry.policy for entry in TOLD.values()} == {
        "registered": Policy.AT_LEAST_ONCE,
        "refused": Policy.AT_LEAST_ONCE,
        "papers_requested": Policy.AT_LEAST_ONCE,
        "registration_withdrawn": Policy.AT_LEAST_ONCE,
        "withdrawal_requested": Policy.AT_LEAST_ONCE,
        "accepted": Policy.AT_LEAST_ONCE,
        "apologised": Policy.AT_LEAST_ONCE,
        "result_ready": Policy.AT_MOST_ONCE,
        "became_overdue": Policy.AT_MOST_ONCE,
        "result_reopened": Policy.AT_LEAST_ONCE,
        "result_corrected": Policy.AT_LEAST_ONCE,
        "deadline_reissued": Policy.AT_LEAST_ONCE,
        "limit_reissued": Policy.AT_LEAST_ONCE,
        **dict.fromkeys(("supplement_requested", "supplement_received", "refused_after_limit"), Policy.AT_LEAST_ONCE),
        **dict.fromkeys(("payment_demanded", "payment_recorded", "clock_paused"), Policy.AT_LEAST_ONCE),
        **dict.fromkeys(("clock_resumed", "withdrawn", "stopped"), Policy.AT_LEAST_ONCE),
    }
    assert set(POLICIES) == {entry.template for entry in TOLD.values()}


def test_another_date_is_told_only_where_it_is_another() -> None:
    kind = "vn.motcua.dossier.deadline_reissued.v1"
    before, after = datetime(2020, 3, 16, 10, tzinfo=UTC), datetime(2020, 3, 17, 10, tzinfo=UTC)
    moved = FACTS[kind].model_construct(promised_due=after, previous_promised_due=before)
    kept = FACTS[kind].model_construct(promised_due=before, previous_promised_due=before)
    assert [TOLD[kind].concerns(fact) for fact in (moved, kept)] == [True, False]


def test_no_text_is_left_over() -> None:
    wanted = {text_name(TOLD[kind].template, language, channel) for kind, language, channel in TEXTS}
    assert set(WORDING.names()) == wanted


@pytest.mark.parametrize(("kind", "language", "channel"), TEXTS)
def test_every_text_renders_names_the_dossier_and_fits_its_channel(
    kind: str, language: Language, channel: Channel
) -> None:
    text = WORDING.render(TOLD[kind].template, language, channel, shown(kind))
    assert CODE in text.body
    assert "http" not in text.body
    assert "{" not in text.body + text.subject
    if TOLD[kind].moments:
        assert "13/01/2020 17:00" in text.body
    if channel is Channel.SMS:
        assert parts(text.body) <= 2
        assert "\n" not in text.body
        assert text.subject == ""
    else:
        assert CODE in text.subject
        assert "\n" not in text.subject
        assert text.body.endswith("\n")


@pytest.mark.parametrize(("kind", "language"), list(itertools.product(TOLD, Language)))
def test_every_text_is_what_zalo_approves(kind: str, language: Language) -> None:
    template = TOLD[kind].template
    text = WORDING.render(template, language, Channel.ZALO, shown(kind))
    assert text.template == f"{template}.{language}"
    assert 1 <= len(text.values) <= MOST_PLACES
    assert all(text.values.values())
    paragraphs = text.body.strip().split("\n\n")
    assert TITLE_LETTERS[0] <= len(text.subject) <= TITLE_LETTERS[1]
    assert len(paragraphs) <= MOST_PARAGRAPHS
    assert all(PARAGRAPH_LETTERS[0] <= len(each) <= PARAGRAPH_LETTERS[1] for each in paragraphs)
    assert "<" not in text.body + text.subject
    assert all(value in text.body for value in text.values.values())


def test_values_are_those_that_a_citizen_reads() -> None:
    paid = WORDING.render("payment_demanded", Language.VI, Channel.ZALO, shown("vn.motcua.dossier.payment_demanded.v1"))
    assert paid.values == {
        "code": CODE,
        "amount_vnd": "1.000.000.000.000",
        "limit_at": "13/01/2020 17:00",
        "tracking_page": "motcua.example/tra-cuu",
    }


@pytest.mark.parametrize(("kind", "channel"), list(itertools.product(TOLD, Channel)))
def test_the_languages_are_not_the_same_text(kind: str, channel: Channel) -> None:
    vi, en = (WORDING.render(TOLD[kind].template, language, channel, shown(kind)).body for language in Language)
    assert vi != en
    assert ("ho so" if channel is Channel.SMS else "hồ sơ") in vi.lower()


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("channel", Channel)
def test_only_the_notice_of_acceptance_tells_the_secret(language: Language, channel: Channel) -> None:
    holders = {
        entry.template
        for kind, entry in TOLD.items()
        if SECRET in WORDING.render(entry.template, language, channel, shown(kind)).body
    }
    assert holders == {"accepted"}


def test_a_text_that_lacks_a_parameter_or_a_subject_is_refused() -> None:
    wording = Wording({"a.vi.sms.txt": "{{ missing }}", "a.vi.email.txt": "no subject\n\nbody"})
    with pytest.raises(TextError):
        wording.render("a", Language.VI, Channel.SMS, {})
    with pytest.raises(TextError):
        wording.render("a", Language.VI, Channel.EMAIL, {})
    with pytest.raises(TextError):
        wording.render("b", Language.VI, Channel.SMS, {})
    for faulty in ("Subject: a\n\n<missing>", "no subject\n\nbody"):
        with pytest.raises(TextError):
            Wording({"a.vi.zalo.txt": faulty}).render("a", Language.VI, Channel.ZALO, {})


WITHOUT_DAY = {Language.VI: "không ấn định ngày", Language.EN: "without an appointed day"}
APPOINTING = sorted(kind for kind, entry in TOLD.items() if "promised_due" in entry.moments)
NEVER_OF_SUCH = {"vn.motcua.dossier.became_overdue.v1", "vn.motcua.dossier.deadline_reissued.v1"}


@pytest.mark.parametrize("kind", [kind for kind in APPOINTING if kind not in NEVER_OF_SUCH])
@pytest.mark.parametrize(("language", "channel"), list(itertools.product(Language, Channel)))
def test_where_no_day_is_appointed_none_is_told(kind: str, language: Language, channel: Channel) -> None:
    said = shown(kind) | {"promised_due": NO_APPOINTMENT.isoformat()}
    text = WORDING.render(TOLD[kind].template, language, channel, said)
    assert "9999" not in text.body
    words = WITHOUT_DAY[language]
    assert (unaccented(words) if channel is Channel.SMS else words) in text.body
    if channel is Channel.SMS:
        assert parts(text.body) <= 2


def test_moments_are_shown_as_people_here_write_them() -> None:
    assert show_moment("2020-01-13T10:00:00Z") == "13/01/2020 17:00"


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 1), ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("[" * 80, 1), ("[" * 81, 2)],
)
def test_sms_are_counted_in_parts(text: str, count: int) -> None:
    assert parts(text) == count


@pytest.mark.parametrize("letter", ["ồ", "đ", "ạ", "“", "–"])
def test_a_letter_outside_the_alphabet_is_refused(letter: str) -> None:
    with pytest.raises(NotGsm, match=re.escape(letter)):
        parts(f"Ho so {letter}")


@pytest.mark.parametrize("code", EVERY_REASON)
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("channel", Channel)
def test_every_reason_of_a_refusal_is_told_in_its_words(code: str, language: Language, channel: Channel) -> None:
    text = WORDING.render("refused", language, channel, shown("vn.motcua.dossier.refused.v1", code))
    words = EVERY_REASON[code].en if language is Language.EN else EVERY_REASON[code].vi
    if channel is Channel.SMS:
        assert parts(text.body) <= 2
        assert unaccented(words) in text.body
    else:
        assert words in text.body


def test_papers_that_are_asked_for_are_named_with_their_counts() -> None:
    kind = "vn.motcua.dossier.papers_requested.v1"
    letters = {
        language: WORDING.render("papers_requested", language, Channel.EMAIL, shown(kind)).body for language in Language
    }
    assert "- Tờ khai đăng ký kết hôn (bản chính: 1)\n- Giấy tờ tùy thân (CCCD" in letters[Language.VI]
    assert "(bản chụp: 2)" in letters[Language.VI]
    assert "- Marriage registration form (originals: 1)\n- Identity paper" in letters[Language.EN]
    for language in Language:
        assert "2" in WORDING.render("papers_requested", language, Channel.SMS, shown(kind)).body.replace(CODE, "")


def test_a_reason_has_one_meaning_whichever_action_gives_it() -> None:
    for reasons in REASONS.values():
        assert all(EVERY_REASON[code] == reason for code, reason in reasons.items())
        assert all(reason.vi and reason.en and not reason.vi.endswith(".") for reason in reasons.values())


def test_vietnamese_is_written_in_the_letters_of_an_sms() -> None:
    assert unaccented("Giấy tờ đã hết giá trị Ư Ơ Đ") == "Giay to da het gia tri U O D"
