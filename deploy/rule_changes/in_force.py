"""The rules of an installation as intake published them: read from its journal, so that no service need run."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.provision.database import Connection
from shared.contracts.facts import RulesPublished
from shared.contracts.topics import RULES
from shared.messaging.journal import facts_on
from shared.rulebook.agencies import Agencies
from shared.rulebook.calendar import Calendar
from shared.rulebook.catalogue import Catalogue
from shared.rulebook.loader import AGENCIES, CALENDAR, CATALOGUE, parse_agencies, parse_calendar, parse_catalogue


@dataclass(frozen=True)
class Published:
    """Every version of the catalogue, and what was published last of each set; `numbers` are their places in it."""

    catalogues: dict[str, Catalogue]
    calendar: Calendar
    agencies: Agencies
    numbers: dict[str, int]

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue that was published last."""
        return list(self.catalogues.values())[-1]


async def read_published(tx: Connection) -> Published:
    """Read the rules from intake's journal. Raises LookupError where nothing was published yet."""
    sets: dict[str, list[RulesPublished]] = {}
    numbers: dict[str, int] = {}
    for rule_set, seq, body in await facts_on(tx, RULES.name):
        sets.setdefault(rule_set, []).append(RulesPublished.model_validate_json(body))
        numbers[rule_set] = seq
    calendar, agencies = sets[CALENDAR][-1], sets[AGENCIES][-1]
    return Published(
        {fact.version: parse_catalogue(fact.version, fact.content) for fact in sets[CATALOGUE]},
        parse_calendar(calendar.version, calendar.content),
        parse_agencies(agencies.version, agencies.content),
        numbers,
    )
