"""Nothing that is published to metrics is forgotten, and what is written about figures is what the code holds."""

from __future__ import annotations

from pathlib import Path

from services.metrics.domain.formulas import FORMULAS
from services.metrics.domain.report import Figures
from services.metrics.domain.wording import BOARD, short_place
from services.metrics.handlers.counting import subscriptions
from services.metrics.pages import WIDTH, cards, parts
from shared.contracts.facts import Language
from shared.contracts.topics import LIFECYCLE, OUTCOMES, Topic
from shared.look.wording import WORDS
from shared.messaging.rules import RuleStore
from shared.settings import KafkaSettings

RECORD = Path(__file__).parents[3] / "docs" / "adr" / "0009-figures-are-counted-once.md"


def published(topic: Topic) -> set[str]:
    return {fact.TYPE for written in topic.writers.values() for fact in written}


def test_every_published_type_is_counted_or_left_alone_for_a_reason() -> None:
    by_topic = {
        subscription.topic: subscription
        for subscription in subscriptions(RuleStore(KafkaSettings(bootstrap_servers="127.0.0.1:9")))
    }
    assert set(by_topic) == {LIFECYCLE.name, OUTCOMES.name}
    for topic in (LIFECYCLE, OUTCOMES):
        subscription = by_topic[topic.name]
        assert set(subscription.handlers) | set(subscription.ignored) == published(topic)
        assert not set(subscription.handlers) & set(subscription.ignored)
        assert all(subscription.ignored.values())


def test_the_record_states_every_formula() -> None:
    text = RECORD.read_text("utf-8")
    assert [line.figure for line in FORMULAS if f"| `{line.figure}` | {line.en} |" not in text] == []


def test_both_languages_have_the_same_words() -> None:
    assert BOARD[Language.VI].keys() == BOARD[Language.EN].keys()
    assert WORDS[Language.VI].keys() == WORDS[Language.EN].keys()


def test_a_table_of_places_shows_their_own_names() -> None:
    assert short_place("UBND xã Nga An", "vi") == "Xã Nga An"
    assert short_place("People's Committee of Nga An Commune", "en") == "Nga An Commune"
    assert short_place("Nga Sơn District One-Stop Desk", "en") == "Nga Sơn District One-Stop Desk"


def figures(received: int, on_time: int, late: int, overdue: int) -> Figures:
    return Figures(
        carried_over=0,
        received=received,
        resolved=on_time + late,
        resolved_on_time=on_time,
        resolved_late=late,
        closed_without_result=0,
        in_progress=received - on_time - late,
        in_progress_within_limit=received - on_time - late - overdue,
        in_progress_overdue=overdue,
        share_resolved_of_received=None,
        share_on_time=None,
        apologies_published=late,
        reopened=0,
        supplements_repeated=0,
        backdated=0,
    )


def test_the_bar_is_all_dossiers_and_nothing_else() -> None:
    shown = list(parts(figures(9470, 9291, 12, 5)))
    assert sum(part.number for part in shown) == 9470
    assert abs(sum(part.width for part in shown) - WIDTH) < 0.05
    assert list(parts(figures(0, 0, 0, 0))) == []


def test_the_board_shows_every_figure_and_alarms_only_where_there_is_cause() -> None:
    calm = list(cards(figures(9470, 9315, 0, 0)))
    assert {card.formula.figure for card in calm} == set(Figures.model_fields)
    assert "bad" not in {card.tone for card in calm}
    alarmed = {card.formula.figure for card in cards(figures(9470, 9300, 1, 1)) if card.tone == "bad"}
    assert alarmed == {"resolved_late", "in_progress_overdue"}
