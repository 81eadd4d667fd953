"""The next version of a rule set as a file makes it: who plans it and who publishes it draw the same one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.rulebook.loader import CALENDAR, CATALOGUE, version_id
from shared.rulebook.rule_files.catalogue_changes import Base, with_changes
from shared.rulebook.rule_files.dispatch import Ground, with_dispatch


@dataclass(frozen=True, slots=True)
class Drawn:
    """A version that is not published yet; its id carries the hash of its content."""

    rule_set: str
    based_on: str
    version: str
    content: dict[str, Any]


def draw_calendar(text: str, ground: Ground, published: int) -> Drawn:
    """Lay a dispatch over the calendar, of which so many versions were published. Raises RuleFileFaulty."""
    content = with_dispatch(text, ground).model_dump(mode="json")
    return Drawn(CALENDAR, ground.calendar.version, version_id(CALENDAR, published + 1, content), content)


def draw_catalogue(text: str, base: Base, published: int) -> Drawn:
    """Lay changes over the catalogue, of which so many versions were published. Raises RuleFileFaulty."""
    content = with_changes(text, base).model_dump(mode="json")
    return Drawn(CATALOGUE, base.catalogue.version, version_id(CATALOGUE, published + 1, content), content)
