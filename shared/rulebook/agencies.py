"""Agencies by date: an effective-dated tree with succession, never a fixed pair of levels (NĐ 118/2025)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, Field

from shared.rulebook.catalogue import Case, ReceivedAt
from shared.rulebook.seats import RoleRule

DESK_ROLE = "desk"


class UnknownAgency(LookupError):
    """No agency has that code, area or role on that date."""


class AgencyKind(StrEnum):
    """What an agency is; an external one stands in the tree without being under the district's command."""

    PROVINCE = "province"
    DEPARTMENT = "department"
    EXTERNAL = "external"
    DISTRICT = "district"
    DISTRICT_OFFICE = "district_office"
    COMMUNE = "commune"


class Succession(StrEnum):
    """Where the work of a closed agency goes; `by_area`: to the commune of the dossier's area."""

    MERGE = "merge"
    CONTINUE = "continue"
    BY_AREA = "by_area"


class Agency(BaseModel):
    """One agency under one code, from `valid_from` to `valid_to` (the last day in force)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    area_code: str | None = None
    name_vi: str
    name_en: str
    kind: AgencyKind
    role: str
    parent_code: str | None = None
    valid_from: date
    valid_to: date | None = None
    successor_code: str | None = None
    succession: Succession | None = None
    mapping_source: str | None = None
    path: str = Field(pattern=r"^(\d+\.)+$")
    note: str = ""

    def in_force(self, day: date) -> bool:
        """Whether the agency exists on a date; its first and last day count."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


def in_area(path: str, area_code: str) -> str:
    """Write the path of an agency that has a part in a dossier with the dossier's area: `90.97.01.@16093`.

    It begins with the path of the agency, as with those of all above it. Whoever answers for the agency in that area
    alone is given the whole of it: no other area begins with that, and nothing below the agency does.
    """
    return f"{path}@{area_code}"


@dataclass(frozen=True, slots=True)
class Inheritance:
    """The ended agencies for whose work an agency answers on a date, beside its own.

    Those that came to it whole, and those whose work was divided by area: of these what belongs to its own areas.
    `paths`: what their parts in the dossiers begin with that are its own now (`in_area`).
    """

    whole: tuple[Agency, ...] = ()
    divided: tuple[Agency, ...] = ()
    areas: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


NOTHING_INHERITED = Inheritance()


class AgenciesContent(BaseModel):
    """One version of the agencies as it travels, with the rules that say which agency a step belongs to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agencies: tuple[Agency, ...]
    roles: tuple[RoleRule, ...]


class Agencies:
    """One version of the agencies and of the roles in them."""

    __slots__ = ("_by_area", "_by_code", "_by_role", "_divided", "_predecessors", "agencies", "roles", "version")

    def __init__(self, version: str, agencies: Iterable[Agency], roles: Iterable[RoleRule] = ()) -> None:
        self.version = version
        self.agencies = tuple(sorted(agencies, key=lambda agency: agency.code))
        self.roles = tuple(roles)
        self._by_code = {agency.code: agency for agency in self.agencies}
        self._by_role: dict[str, list[Agency]] = defaultdict(list)
        self._by_area: dict[str, list[Agency]] = defaultdict(list)
        self._predecessors: dict[str, list[Agency]] = defaultdict(list)
        self._divided = [agency for agency in self.agencies if agency.succession is Succession.BY_AREA]
        for agency in self.agencies:
            self._by_role[agency.role].append(agency)
            if agency.successor_code is not None:
                self._predecessors[agency.successor_code].append(agency)
            if agency.kind is AgencyKind.COMMUNE and agency.area_code:
                self._by_area[agency.area_code].append(agency)

    def get(self, code: str) -> Agency:
        """The agency of a code, in force or not. Raises UnknownAgency."""
        try:
            return self._by_code[code]
        except KeyError:
            raise UnknownAgency(f"agencies {self.version}: no such code") from None

    def is_known(self, code: str) -> bool:
        """Whether there is an agency of that code, in force or not."""
        return code in self._by_code

    def in_force(self, code: str, day: date) -> bool:
        """Whether an agency of that code exists on that date."""
        agency = self._by_code.get(code)
        return agency is not None and agency.in_force(day)

    def by_role(self, role: str, day: date, kind: AgencyKind | None = None) -> tuple[Agency, ...]:
        """The agencies of a role in force on a date, by code; of one kind, if it is named."""
        return tuple(
            agency
            for agency in self._by_role.get(role, ())
            if agency.in_force(day) and (kind is None or agency.kind is kind)
        )

    def the(self, role: str, day: date, kind: AgencyKind | None = None) -> Agency:
        """The one agency of a role on a date. Raises UnknownAgency unless there is exactly one."""
        found = self.by_role(role, day, kind)
        if len(found) != 1:
            raise UnknownAgency(f"agencies {self.version}: {len(found)} agencies of role {role} on {day}, not one")
        return found[0]

    def communes(self, day: date) -> tuple[Agency, ...]:
        """The communes in force on a date, by code."""
        return self.by_role("commune", day, AgencyKind.COMMUNE)

    def is_area(self, area_code: str, day: date) -> bool:
        """Whether a commune in force on that date has the area code."""
        return any(agency.in_force(day) for agency in self._by_area.get(area_code, ()))

    def commune_of_area(self, area_code: str, day: date) -> Agency:
        """The commune that answers for an area on a date: who has the code then, else who succeeded its last holder.

        Area codes are reused under new names, so the date decides. Raises UnknownAgency.
        """
        last = self._last_of_area(area_code, day)
        if last is None:
            raise UnknownAgency(f"agencies {self.version}: no commune of such an area on {day}")
        return self.successor(last, day)

    def _last_of_area(self, area_code: str, day: date) -> Agency | None:
        holders = [agency for agency in self._by_area.get(area_code, ()) if agency.valid_from <= day]
        return self._followed(max(holders, key=lambda agency: agency.valid_from), day) if holders else None

    def successor(self, agency: Agency, day: date) -> Agency:
        """The agency itself while in force, else who took its place by that date (merge or continue).

        Raises UnknownAgency where no single agency did.
        """
        last = self._followed(agency, day)
        if not last.in_force(day):
            raise UnknownAgency(f"agencies {self.version}: {agency.code} has no single successor on {day}")
        return last

    def _followed(self, agency: Agency, day: date) -> Agency:
        """Follow the orders that name a single successor as far as they go by a date."""
        while agency.successor_code is not None and agency.valid_from <= day and not agency.in_force(day):
            agency = self.get(agency.successor_code)
        return agency

    def answering(self, code: str, area_code: str, day: date) -> Agency | None:
        """Who answers on a date for the work of an agency in a dossier of an area; None where nobody does.

        The agency itself while it is in force, else who succeeded it, through however many orders; where its work was
        divided by area, the commune of the dossier's.
        """
        known = self._by_code.get(code)
        if known is None or known.in_force(day):
            return known
        last = self._followed(known, day)
        if not last.in_force(day) and last.succession is Succession.BY_AREA and last.valid_from <= day:
            last = self._last_of_area(area_code, day) or last
        return last if last.in_force(day) else None

    def answering_code(self, code: str, area_code: str, day: date) -> str:
        """Name who answers on a date for the work of an agency; the agency itself where nobody does."""
        found = self.answering(code, area_code, day)
        return code if found is None else found.code

    def inheritance(self, agency: Agency, day: date) -> Inheritance:
        """For whose work an agency in force on a date answers, beside its own: `answering` the other way round."""
        return _inheritance(self, agency.code, day)

    def divided(self, day: date) -> tuple[Agency, ...]:
        """The agencies that ended by a date and whose work was divided by area, and those that these succeeded."""
        ended = [each for each in self._divided if each.valid_from <= day and not each.in_force(day)]
        return tuple(each for closed in ended for each in (closed, *self.predecessors(closed, day)))

    def areas_of(self, commune: Agency, day: date) -> tuple[str, ...]:
        """The area codes, those of earlier communes too, for which a commune answers on a date."""
        return tuple(area for area in self._by_area if self._last_of_area(area, day) is commune)

    def predecessors(self, agency: Agency, day: date) -> tuple[Agency, ...]:
        """The closed agencies whose work an agency has taken over by a date (merge or continue), theirs before them."""
        former = [closed for closed in self._predecessors.get(agency.code, ()) if not closed.in_force(day)]
        return tuple(each for closed in former for each in (closed, *self.predecessors(closed, day)))

    def places_of_reception(self, day: date) -> tuple[Agency, ...]:
        """Where dossiers are handed in on a date: the district's desk, while there is one, then the communes."""
        return (*self._desks(day), *self.communes(day))

    def may_receive(self, case: Case, agency_code: str, day: date) -> bool:
        """Whether a place may take a case in on a date (condition `agency_receives`).

        What the district received before is received by the communes once there is no district (succession by area).
        """
        agency = self._by_code.get(agency_code)
        if agency is None or not agency.in_force(day):
            return False
        desks = self._desks(day)
        if case.received_at is ReceivedAt.DISTRICT and desks:
            return agency in desks
        if agency.kind is AgencyKind.COMMUNE:
            return True
        return agency in desks and case.received_at is not ReceivedAt.COMMUNE

    def _desks(self, day: date) -> tuple[Agency, ...]:
        return self.by_role(DESK_ROLE, day, AgencyKind.DISTRICT_OFFICE)


@lru_cache(maxsize=512)
def _inheritance(agencies: Agencies, code: str, day: date) -> Inheritance:
    """Every request asks it of its caller's agency, and of few on one day."""
    heir = agencies.get(code)
    whole = agencies.predecessors(heir, day)
    divided = agencies.divided(day) if heir.kind is AgencyKind.COMMUNE else ()
    areas = agencies.areas_of(heir, day) if divided else ()
    of_areas = (in_area(former.path, area) for former in divided for area in areas)
    return Inheritance(whole, divided, areas, (*(former.path for former in whole), *of_areas))
