"""Checks of the catalogue: limits, cut-offs, dates, weights; and of the papers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, time

from shared.rulebook.agencies import AgencyKind
from shared.rulebook.catalogue import Case, Paper, ReceivedAt, SupplementPolicy
from shared.rulebook.limits import WITHOUT_AMOUNT, LimitKind
from shared.rulebook.seats import DISTRICT_ENDS
from shared.rulebook.seed.records import CATALOGUE, PAPERS, Law
from shared.rulebook.seed.tables import Fault

PROCEDURES = 54
REFERENCE_ROWS = range(1, 39)
PAPER_KINDS = 78
CUT_OFF = time(15)
PERIODS = frozenset({"posting", "survey", "council", "tax"})
FEE_UNITS = frozenset({"dossier", "copy", "page", "case"})
WEIGHTS = {
    "land": 5630,
    "social_protection": 1670,
    "merit": 700,
    "business": 860,
    "authentication": 590,
    "civil_status": 310,
    "construction": 240,
}
"""Weight of each field in 2020, out of 10,000; social policy (protection and merit) together 2,370."""

_DECIDER_KINDS = {AgencyKind.DISTRICT_OFFICE: "district", AgencyKind.DEPARTMENT: "province"}
_PROCEDURE = re.compile(r"\d\.\d{6}", re.ASCII)


def limits(law: Law) -> Iterator[Fault]:
    """A case without amounts has none, a same-day one its cut-off; others promise a third, rounded up, at least one."""
    for case in law.cases:
        value, fault = case.value, case.row.fault
        if value.limit_kind is LimitKind.SAME_DAY and value.cut_off != CUT_OFF:
            yield fault("cut_off: a same-day case names 15:00")
        if value.limit_kind in WITHOUT_AMOUNT:
            if value.statutory is not None or value.promised is not None:
                yield fault(f"statutory, promised: a limit {value.limit_kind} has no amounts")
        elif value.statutory is None or value.promised is None:
            yield fault("statutory, promised: both are needed")
        elif value.promised != max(1, -(-value.statutory // 3)):
            yield fault("promised: is not a third of the statutory limit, rounded up")


def vocabulary(law: Law) -> Iterator[Fault]:
    """Codes, deciders, periods and units are of the closed lists; the decider exists."""
    deciders = {"commune", "vpdkdd"} | {
        f"{_DECIDER_KINDS[agency.value.kind]}:{agency.value.role}"
        for agency in law.agencies
        if agency.value.kind in _DECIDER_KINDS
    }
    for case in law.cases:
        value, fault = case.value, case.row.fault
        if not _PROCEDURE.fullmatch(value.procedure_code):
            yield fault("procedure_code: does not look like 1.001193")
        if value.decided_by not in deciders:
            yield fault("decided_by: no such agency")
        if not set(value.excluded_periods) <= PERIODS:
            yield fault("excluded_periods: not of the closed list")
        if value.fee_unit not in FEE_UNITS:
            yield fault("fee_unit: not of the closed list")


def dates(law: Law) -> Iterator[Fault]:
    """A case ends after it starts, `in_year_2020` follows its dates, a case `district` ends with the district."""
    for case in law.cases:
        value, fault = case.value, case.row.fault
        if value.effective_to is not None and value.effective_to < value.effective_from:
            yield fault("effective_to: lies before effective_from")
        if value.in_year_2020 != _in_year(value):
            yield fault("in_year_2020: disagrees with the dates")
        if value.case_code == "district" and value.effective_to != DISTRICT_ENDS:
            yield fault("effective_to: the district's case ends with the district")


def _in_year(case: Case) -> bool:
    return case.effective_from <= date(2020, 12, 31) and (case.effective_to or date.max) >= date(2020, 1, 1)


def weights(law: Law) -> Iterator[Fault]:
    """The weights of 2020 sum to 10,000, by field as stated; none for communes alone or outside that year."""
    by_field: Counter[str] = Counter()
    for case in law.cases:
        value = case.value
        by_field[value.field] += value.year_2020_weight
        of_commune = value.decided_by == "commune" and value.received_at is ReceivedAt.COMMUNE
        if value.year_2020_weight and (of_commune or not value.in_year_2020):
            yield case.row.fault("year_2020_weight: the 9,470 dossiers of 2020 hold none of this case")
    if by_field.total() != 10_000:
        yield Fault(CATALOGUE.file, 0, f"the weights sum to {by_field.total()}, not 10000")
    for field in sorted(set(by_field) | set(WEIGHTS)):
        if by_field[field] != WEIGHTS.get(field, 0):
            yield Fault(CATALOGUE.file, 0, f"the weights of {field} sum to {by_field[field]}")


def procedures(law: Law) -> Iterator[Fault]:
    """54 procedures under one name each, every reference row, both supplement policies."""
    names: dict[str, tuple[str, str]] = {}
    for case in law.cases:
        name = case.value.name_vi, case.value.name_en
        if names.setdefault(case.value.procedure_code, name) != name:
            yield case.row.fault("name_vi, name_en: the procedure has another name above")
    if len(names) != PROCEDURES:
        yield Fault(CATALOGUE.file, 0, f"{len(names)} procedures, not {PROCEDURES}")
    for number in sorted(set(REFERENCE_ROWS) ^ {case.value.row for case in law.cases}):
        yield Fault(CATALOGUE.file, 0, f"row {number} is missing or unknown")
    for policy in sorted(set(SupplementPolicy) - {case.value.supplement_policy for case in law.cases}):
        yield Fault(CATALOGUE.file, 0, f"no case has the supplement policy {policy}")


def papers(law: Law) -> Iterator[Fault]:
    """A paper belongs to a case and is asked for at least once; one code has one name and one `reusable`."""
    cases = {case.case_key for case in law.cases}
    kinds: dict[str, Paper] = {}
    for paper in law.papers:
        value, fault = paper.value, paper.row.fault
        if paper.case_key not in cases:
            yield fault("case_code: no such case in the catalogue")
        if value.originals + value.certified + value.photocopies == 0:
            yield fault("originals, certified, photocopies: the paper is asked for in no copy")
        first = kinds.setdefault(value.code, value)
        if (first.name_vi, first.name_en, first.reusable) != (value.name_vi, value.name_en, value.reusable):
            yield fault("paper_code: has another name or reusable above")
    if len(kinds) != PAPER_KINDS:
        yield Fault(PAPERS.file, 0, f"{len(kinds)} kinds of paper, not {PAPER_KINDS}")


CHECKS = (limits, vocabulary, dates, weights, procedures, papers)
