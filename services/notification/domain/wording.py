"""From a template and its parameters to the text that a citizen reads."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from jinja2 import DictLoader, Environment, StrictUndefined, TemplateError

from services.notification.domain.words import CAUSES, PERIODS, POLICIES, Words, vnd
from shared.contracts.facts import Channel, Language
from shared.rulebook.calendar import ZONE
from shared.rulebook.refusals import EVERY_REASON

SUBJECT = "Subject: "


class TextError(ValueError):
    """A text file is not as it must be."""


@dataclass(frozen=True)
class Text:
    """One text; an SMS has no subject and stands on one line."""

    subject: str
    body: str


def text_name(template: str, language: Language, channel: Channel) -> str:
    """Name the file of a text: `accepted.vi.sms.txt`."""
    return f"{template}.{language}.{channel}.txt"


def show_moment(value: str) -> str:
    """Write a moment (RFC 3339) as people here do: dd/MM/yyyy HH:mm in Vietnam."""
    return datetime.fromisoformat(value).astimezone(ZONE).strftime("%d/%m/%Y %H:%M")


def unaccented(text: str) -> str:
    """Write Vietnamese in the letters of an SMS (GSM 7-bit)."""
    decomposed = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def reason_of_refusal(code: str, language: str) -> str:
    """Say why a dossier was not taken in, in the words of the closed list."""
    reason = EVERY_REASON[code]
    return reason.en if language == Language.EN else reason.vi


def _named(words: Mapping[str, Words]) -> Callable[[str, str], str]:
    return lambda code, language: words[code][Language(language)]


class Wording:
    """All texts by name. A text that uses what it is not given is a fault."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        # Texts are plain: nothing is HTML, and whoever is told is not named in them.
        self._texts = Environment(loader=DictLoader(sources), undefined=StrictUndefined, autoescape=False)  # noqa: S701
        self._texts.filters |= {
            "moment": show_moment,
            "unaccented": unaccented,
            "reason_of_refusal": reason_of_refusal,
            "vnd": vnd,
            "period": _named(PERIODS),
            "cause": _named(CAUSES),
            "policy": _named(POLICIES),
        }

    def names(self) -> list[str]:
        """List the texts that there are."""
        return self._texts.list_templates()

    def render(self, template: str, language: Language, channel: Channel, parameters: Mapping[str, str]) -> Text:
        """Render one text. Raises TextError when there is none, it lacks a parameter, or an e-mail has no subject."""
        name = text_name(template, language, channel)
        try:
            text = self._texts.get_template(name).render(parameters)
        except TemplateError as error:
            raise TextError(f"{name}: {type(error).__name__}") from error
        if channel is Channel.SMS:
            return Text("", " ".join(text.split()))
        head, _, body = text.partition("\n\n")
        if not head.startswith(SUBJECT) or not body.strip():
            raise TextError(f"{name}: an e-mail begins with a subject line")
        return Text(head.removeprefix(SUBJECT).strip(), body.strip() + "\n")
