"""Law data in and out: the package's seed files, and rule versions as JSON-able contents.

`load_seed` reads `law/*.csv` and lists every fault by file and line; `parse_…` build the pure objects from a version's
content, as it travels on the rules topic.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from shared.rulebook.agencies import Agencies, AgenciesContent
from shared.rulebook.calendar import DEFAULT_WEEK, Calendar, CalendarContent, DayKind, SpecialDay
from shared.rulebook.catalogue import Catalogue, CatalogueContent
from shared.rulebook.seed import checks
from shared.rulebook.seed.checks_of_days import FIRST_YEAR, LAST_YEAR, replaced_day
from shared.rulebook.seed.in_person import IN_PERSON
from shared.rulebook.seed.records import Law, Lined, read_law
from shared.rulebook.seed.tables import Fault

CATALOGUE = "catalogue"
CALENDAR = "calendar"
AGENCIES = "agencies"

LATER_FIELDS: dict[str, Any] = {
    "hours": True,
    "effective_from": True,
    "cases": {"__all__": {"statutory_online", "promised_online"}},
}
"""Fields that only later versions fill: left out of the seed, whose versions keep the ids that installations know."""

Content = dict[str, Any]


class LawDataError(ValueError):
    """The law's files are wrong; `faults` lists everything that is, by file and line."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(map(str, self.faults)))


@dataclass(frozen=True, slots=True)
class Seed:
    """The contents of version 1 of each rule set, JSON-able."""

    catalogue: Content
    calendar: Content
    agencies: Content

    def versions(self) -> tuple[tuple[str, str, Content], ...]:
        """Rule set, version id and content of each of the three."""
        contents = ((CATALOGUE, self.catalogue), (CALENDAR, self.calendar), (AGENCIES, self.agencies))
        return tuple((rule_set, version_id(rule_set, 1, content), content) for rule_set, content in contents)


def load_seed(folder: Traversable | None = None) -> Seed:
    """The seed from the package's `law` folder, or from another. Raises LawDataError with every fault."""
    law = read_law(folder or files("shared.rulebook") / "law")
    faults = [*law.faults, *(fault for check in checks.CHECKS for fault in check(law))]
    if faults:
        raise LawDataError(faults)
    return Seed(_catalogue_content(law), _calendar_content(law), _agencies_content(law))


def version_id(kind: str, number: int, content: Mapping[str, Any]) -> str:
    """`catalogue-1-<first 12 hex digits of the SHA-256 of the content's canonical JSON>`."""
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"{kind}-{number}-{hashlib.sha256(canonical.encode()).hexdigest()[:12]}"


def parse_catalogue(version: str, content: Mapping[str, Any]) -> Catalogue:
    """The catalogue of a version's content. Raises pydantic.ValidationError."""
    parsed = CatalogueContent.model_validate(content)
    return Catalogue(version, parsed.cases, parsed.effective_from)


def parse_calendar(version: str, content: Mapping[str, Any]) -> Calendar:
    """The calendar of a version's content. Raises pydantic.ValidationError."""
    return Calendar(version, CalendarContent.model_validate(content))


def parse_agencies(version: str, content: Mapping[str, Any]) -> Agencies:
    """The agencies of a version's content, with the rules of their roles. Raises pydantic.ValidationError."""
    parsed = AgenciesContent.model_validate(content)
    return Agencies(version, parsed.agencies, parsed.roles)


def _catalogue_content(law: Law) -> Content:
    steps = defaultdict(list)
    for step in law.steps:
        steps[step.case_key].append(step.value)
    papers = defaultdict(list)
    for paper in law.papers:
        papers[paper.case_key].append(paper.value)
    cases = tuple(
        case.value.model_copy(
            update={
                "online_offered": case.value.procedure_code not in IN_PERSON,
                "steps": tuple(steps[case.case_key]),
                "papers": tuple(papers[case.case_key]),
            }
        )
        for case in law.cases
    )
    return CatalogueContent(cases=cases).model_dump(mode="json", exclude=LATER_FIELDS)


def _calendar_content(law: Law) -> Content:
    return CalendarContent(
        first_year=FIRST_YEAR,
        last_year=LAST_YEAR,
        weekly=DEFAULT_WEEK,
        special_days=tuple(_special_day(day) for day in law.days),
    ).model_dump(mode="json", exclude=LATER_FIELDS)


def _special_day(day: Lined[SpecialDay]) -> SpecialDay:
    replaces: date | None = replaced_day(day.value) if day.value.kind is DayKind.WORKED_SATURDAY else None
    return day.value.model_copy(update={"replaces": replaces})


def _agencies_content(law: Law) -> Content:
    return AgenciesContent(
        agencies=tuple(agency.value for agency in law.agencies), roles=tuple(role.value for role in law.roles)
    ).model_dump(mode="json")
