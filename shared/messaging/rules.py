"""The rule versions in force: read from their topic without a group, from its beginning to its end, then followed.

Rules come before everything else: a service loads them before it answers or consumes, and a handler that meets a
version which is not here raises `Unready`, so that its consumer pauses instead of guessing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic, TypeVar

import structlog

from shared.contracts.facts import RulesPublished
from shared.contracts.topics import RULES
from shared.messaging.envelope import Record, Undecodable, decode, parse
from shared.messaging.faults import Unready, reason_of
from shared.messaging.following import FollowedTopic
from shared.rulebook.agencies import Agencies
from shared.rulebook.calendar import Calendar
from shared.rulebook.catalogue import Catalogue
from shared.rulebook.loader import parse_agencies, parse_calendar, parse_catalogue
from shared.settings import KafkaSettings

RuleT = TypeVar("RuleT")
log = structlog.get_logger()


@dataclass
class _Versions(Generic[RuleT]):
    """All versions of one rule set, and when each was published: its place in the set, and the legal moment.

    The current one is that published last.
    """

    build: Callable[[str, Mapping[str, Any]], RuleT]
    found: dict[str, RuleT]
    published: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    current: tuple[int, str] = (0, "")

    def get(self, version: str) -> RuleT:
        if version not in self.found:
            raise Unready(f"rule version {version or '(any)'} is not published yet")
        return self.found[version]


class RuleStore(FollowedTopic):
    """Rule versions by id. `topic` and `partitions` differ from those of the contracts only in tests."""

    def __init__(
        self,
        kafka: KafkaSettings,
        topic: str = RULES.name,
        partitions: int = RULES.partitions,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(kafka, (topic, partitions), name="rules", monotonic=monotonic)
        self._catalogues = _Versions[Catalogue](parse_catalogue, {})
        self._calendars = _Versions[Calendar](parse_calendar, {})
        self._agencies = _Versions[Agencies](parse_agencies, {})
        self._sets: dict[str, _Versions[Any]] = {
            "catalogue": self._catalogues,
            "calendar": self._calendars,
            "agencies": self._agencies,
        }

    def catalogue(self, version: str) -> Catalogue:
        """Return one version of the catalogue. Raises Unready."""
        return self._catalogues.get(version)

    def calendar(self, version: str) -> Calendar:
        """Return one version of the calendar. Raises Unready."""
        return self._calendars.get(version)

    def calendars(self) -> tuple[Calendar, ...]:
        """Return every version of the calendar, in the order in which they were published."""
        return tuple(calendar for calendar, _ in self.published())

    def published(self) -> tuple[tuple[Calendar, datetime], ...]:
        """Return every version of the calendar, in order, and the legal moment at which each was published."""
        versions = self._calendars
        order = sorted(versions.published.items(), key=lambda each: each[1])
        return tuple((versions.found[version], at) for version, (_, at) in order)

    def agencies(self, version: str) -> Agencies:
        """Return one version of the agencies. Raises Unready."""
        return self._agencies.get(version)

    def catalogue_on(self, day: date) -> Catalogue:
        """Return the catalogue that dossiers are taken in under on a legal day: the last in force by then.

        Raises Unready.
        """
        in_force = [
            (seq, version)
            for version, (seq, _) in self._catalogues.published.items()
            if (self._catalogues.found[version].effective_from or day) <= day
        ]
        return self._catalogues.get(max(in_force, default=(0, ""))[1])

    def last_catalogue(self) -> Catalogue:
        """Return the catalogue published last, though it may be in force only later. Raises Unready."""
        return self._catalogues.get(self._catalogues.current[1])

    def current_calendar(self) -> Calendar:
        """Return the calendar published last. Raises Unready."""
        return self._calendars.get(self._calendars.current[1])

    def published_last(self, rule_set: str) -> tuple[int, str]:
        """Tell the place of the last version of a set in its chain, and its id; (0, "") while there is none."""
        return self._sets[rule_set].current

    def calendar_in_force(self) -> tuple[Calendar, datetime]:
        """Return the calendar published last, and the legal moment at which it was. Raises Unready."""
        calendar = self.current_calendar()
        return calendar, self._calendars.published[calendar.version][1]

    def older_calendars(self) -> tuple[str, ...]:
        """Name the calendar versions that were published before the one in force."""
        last, current = self._calendars.current
        return tuple(
            version for version, (seq, _) in self._calendars.published.items() if seq < last and version != current
        )

    def current_agencies(self) -> Agencies:
        """Return the agencies published last. Raises Unready."""
        return self._agencies.get(self._agencies.current[1])

    def add(self, record: Record) -> None:
        """Take one record in. What cannot be used is told and left out: those who need it are Unready."""
        try:
            received = parse(decode(record))
            rules = received.fact_as(RulesPublished)
            versions = self._sets[rules.rule_set]
            if rules.version not in versions.found:
                versions.found[rules.version] = versions.build(rules.version, rules.content)
                versions.published[rules.version] = (received.seq, received.legal_time)
        except (Undecodable, TypeError, LookupError, ValueError) as error:
            log.exception("rule version refused", topic=record.topic, offset=record.offset, reason=reason_of(error))
            return
        versions.current = max(versions.current, (received.seq, rules.version))
