"""Checks of the agencies: tree, dates, succession, areas, and the communes of each time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise

from shared.rulebook.agencies import Agency, AgencyKind, Succession
from shared.rulebook.seed.records import AGENCIES, Law, Lined
from shared.rulebook.seed.tables import Fault

ROLES = frozenset({"ubnd", "desk", "tnmt", "ldtbxh", "tp", "tckh", "ktht", "vpdkdd", "ca", "bhxh", "thue", "commune"})
SOURCES = frozenset({"official", "inferred", "general_knowledge", "general_rule", "chosen", "invented"})
COMMUNES = (
    (date(2020, 1, 1), 24),
    (date(2024, 12, 31), 24),
    (date(2025, 1, 1), 23),
    (date(2025, 6, 30), 23),
    (date(2025, 7, 1), 6),
)
"""How many communes are in force on a date."""
AREA_OF_KIND = {AgencyKind.COMMUNE: r"\d{5}", AgencyKind.PROVINCE: "38", AgencyKind.DISTRICT: "401"}

_CODE = re.compile(r"H56\.\d{2}(\.\d{2})?", re.ASCII)


def _by_code(law: Law) -> Mapping[str, Agency]:
    return {agency.value.code: agency.value for agency in law.agencies}


def shapes(law: Law) -> Iterator[Fault]:
    """Code, role, source and area code are of the shape that the agency's kind has."""
    for agency in law.agencies:
        value, fault = agency.value, agency.row.fault
        if not _CODE.fullmatch(value.code):
            yield fault("code: does not look like H56.97 or H56.97.21")
        if value.role not in ROLES:
            yield fault("role: is not one of the closed list")
        if value.mapping_source is not None and value.mapping_source not in SOURCES:
            yield fault("mapping_source: is not one of the closed list")
        if not re.fullmatch(AREA_OF_KIND.get(value.kind, ""), value.area_code or "", re.ASCII):
            yield fault(f"area_code: does not fit the kind {value.kind}")


def tree(law: Law) -> Iterator[Fault]:
    """Each agency but the province has a parent in force as long as itself, and its path goes on from the parent's."""
    known = _by_code(law)
    paths: dict[str, str] = {}
    for agency in law.agencies:
        value, fault = agency.value, agency.row.fault
        if value.path in paths:
            yield fault(f"agency_path: is that of {paths[value.path]} already")
        paths.setdefault(value.path, value.code)
        parent = known.get(value.parent_code or "")
        if parent is None:
            if value.parent_code is not None or value.kind is not AgencyKind.PROVINCE:
                yield fault("parent_code: no such agency")
        elif not _covers(parent, value):
            yield fault("parent_code: the parent is not in force as long as the agency")
        if value.path != (parent.path if parent else "") + value.code.rpartition(".")[2] + ".":
            yield fault("agency_path: is not the parent's path and the code's last group")


def _covers(parent: Agency, child: Agency) -> bool:
    last = date.max
    return parent.valid_from <= child.valid_from and (parent.valid_to or last) >= (child.valid_to or last)


def succession(law: Law) -> Iterator[Fault]:
    """Who ends is succeeded: by a code that starts the next day with the same role, or by area."""
    known = _by_code(law)
    for agency in law.agencies:
        value, fault = agency.value, agency.row.fault
        if value.valid_to is None:
            if value.succession or value.successor_code:
                yield fault("succession: an agency without an end has no successor")
            continue
        if value.valid_to < value.valid_from:
            yield fault("valid_to: lies before valid_from")
        if value.succession is None or value.mapping_source is None:
            yield fault("succession: an agency that ends says where its work goes and after which source")
        elif value.succession is Succession.BY_AREA:
            if value.successor_code:
                yield fault("successor_code: by_area has no single successor")
        else:
            yield from _successor(agency, known.get(value.successor_code or ""))


def _successor(agency: Lined[Agency], successor: Agency | None) -> Iterator[Fault]:
    value, fault = agency.value, agency.row.fault
    if successor is None:
        yield fault("successor_code: no such agency")
        return
    if value.valid_to and successor.valid_from != value.valid_to + timedelta(days=1):
        yield fault(f"successor_code: {successor.code} does not start the next day")
    if successor.role != value.role:
        yield fault(f"successor_code: {successor.code} has another role")


def areas(law: Law) -> Iterator[Fault]:
    """An area code is reused, but never held by two communes at once."""
    holders = sorted(
        (agency for agency in law.agencies if agency.value.area_code),
        key=lambda agency: (agency.value.area_code or "", agency.value.valid_from),
    )
    for earlier, later in pairwise(holders):
        if earlier.value.area_code == later.value.area_code and earlier.value.in_force(later.value.valid_from):
            yield later.row.fault(f"area_code: {earlier.value.code} still holds it on {later.value.valid_from}")


def communes(law: Law) -> Iterator[Fault]:
    """24 communes in 2020, 23 from 2025-01-01, six from 2025-07-01."""
    for day, expected in COMMUNES:
        found = sum(agency.value.kind is AgencyKind.COMMUNE and agency.value.in_force(day) for agency in law.agencies)
        if found != expected:
            yield Fault(AGENCIES.file, 0, f"{found} communes are in force on {day}, not {expected}")


CHECKS = (shapes, tree, succession, areas, communes)
