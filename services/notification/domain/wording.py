"""From a template and its parameters to the text that a citizen reads."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from jinja2 import DictLoader, Environment, StrictUndefined, TemplateError

from services.notification.domain import zalo
from services.notification.domain.words import (
    CAUSES,
    LIMITS,
    PERIODS,
    POLICIES,
    named,
    reason_of_refusal,
    show_due,
    show_moment,
    vnd,
)
from shared.contracts.facts import Channel, Language

SUBJECT = "Subject: "


class TextError(ValueError):
    """A text file is not as it must be."""


@dataclass(frozen=True)
class Text:
    """One text; an SMS has no subject and stands on one line. What Zalo is sent is `template` and its `values`."""

    subject: str
    body: str
    template: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


def text_name(template: str, language: Language, channel: Channel) -> str:
    """Name the file of a text: `accepted.vi.sms.txt`."""
    return f"{template}.{language}.{channel}.txt"


def unaccented(text: str) -> str:
    """Write Vietnamese in the letters of an SMS (GSM 7-bit)."""
    decomposed = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


class Wording:
    """All texts by name. A text that uses what it is not given is a fault."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources
        # Texts are plain: nothing is HTML, and whoever is told is not named in them.
        self._texts = Environment(loader=DictLoader(sources), undefined=StrictUndefined, autoescape=False)  # noqa: S701
        self._texts.filters |= {
            "moment": show_moment,
            "due": show_due,
            "unaccented": unaccented,
            "reason_of_refusal": reason_of_refusal,
            "vnd": vnd,
            "period": named(PERIODS),
            "cause": named(CAUSES),
            "limit": named(LIMITS),
            "policy": named(POLICIES),
        }

    def names(self) -> list[str]:
        """List the texts that there are."""
        return self._texts.list_templates()

    def render(self, template: str, language: Language, channel: Channel, parameters: Mapping[str, str]) -> Text:
        """Render one text. Raises TextError when there is none, it lacks a parameter, or begins without its subject."""
        name = text_name(template, language, channel)
        try:
            if channel is Channel.ZALO:
                source = self._sources[name]
                values = zalo.values_of(source, language, parameters)
                return Text(*_parted(name, zalo.filled(source, values)), f"{template}.{language}", values)
            text = self._texts.get_template(name).render(parameters)
        except (TemplateError, KeyError) as error:
            raise TextError(f"{name}: {type(error).__name__}") from error
        return Text("", " ".join(text.split())) if channel is Channel.SMS else Text(*_parted(name, text))


def _parted(name: str, text: str) -> tuple[str, str]:
    """Part a text into its subject, which stands in the first line, and its body. Raises TextError."""
    head, _, body = text.partition("\n\n")
    if not head.startswith(SUBJECT) or not body.strip():
        raise TextError(f"{name}: it begins with a subject line")
    return head.removeprefix(SUBJECT).strip(), body.strip() + "\n"
