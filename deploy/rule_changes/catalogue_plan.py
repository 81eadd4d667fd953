"""What a change of the catalogue would change, from which day, and which open dossiers keep the version they have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deploy.rule_changes.in_force import Published
from services.processing.domain.cases import Case as Dossier
from services.processing.domain.duties import RUNNING
from shared.rulebook.calendar import local
from shared.rulebook.catalogue import Case, Catalogue
from shared.rulebook.loader import CATALOGUE, parse_catalogue
from shared.rulebook.rule_files.catalogue_changes import FIELDS, Base
from shared.rulebook.rule_files.drawing import Drawn, draw_catalogue


def draw(text: str, published: Published, now: datetime) -> Drawn:
    """Lay changes over the catalogue that was published last. Raises RuleFileFaulty."""
    return draw_catalogue(text, Base(published.catalogue, local(now).date()), published.numbers[CATALOGUE])


@dataclass(frozen=True, slots=True)
class Change:
    """One value of a case that would be another; of a new case all that it has."""

    procedure_code: str
    case_code: str
    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class CataloguePlan:
    """What would change, and how many open dossiers of each changed case keep which version."""

    based_on: str
    catalogue: Catalogue
    at: datetime
    changes: tuple[Change, ...]
    kept: tuple[tuple[str, str, str, int], ...]
    open: int


def foresee(drawn: Drawn, dossiers: Iterable[Dossier], published: Published, now: datetime) -> CataloguePlan:
    """Compare a version with the one that it is laid over, and count the open dossiers of the cases that differ."""
    after = parse_catalogue(drawn.version, drawn.content)
    changes = tuple(_changes(published.catalogue, after))
    keys = {(change.procedure_code, change.case_code) for change in changes}
    running = [each for each in dossiers if each.state in RUNNING]
    counted = Counter(
        (each.procedure_code, each.case_code, each.catalogue_version)
        for each in running
        if (each.procedure_code, each.case_code) in keys
    )
    kept = tuple((*key, number) for key, number in sorted(counted.items()))
    return CataloguePlan(drawn.based_on, after, now, changes, kept, len(running))


def _changes(before: Catalogue, after: Catalogue) -> Iterator[Change]:
    known = {(case.procedure_code, case.case_code): _flat(case) for case in before.cases}
    for case in after.cases:
        was, key = known.get((case.procedure_code, case.case_code), {}), (case.procedure_code, case.case_code)
        for name, value in _flat(case).items():
            if was.get(name) != value:
                yield Change(*key, name, was.get(name), value)


def _flat(case: Case) -> dict[str, Any]:
    """Every value of a case under the name that a line of the file gives it."""
    written = case.model_dump(mode="json")
    flat = {name: written[name] for name in FIELDS}
    for part, named in (("steps", "no"), ("papers", "code")):
        flat |= {f"{part}.{entry[named]}.{name}": value for entry in written[part] for name, value in entry.items()}
    return flat


def plan_data(plan: CataloguePlan) -> dict[str, Any]:
    """Say a plan as JSON has it."""
    first = plan.catalogue.effective_from
    return {
        "based_on": plan.based_on,
        "version": plan.catalogue.version,
        "in_force_from": first.isoformat() if first else None,
        "as_of": local(plan.at).isoformat(),
        "changes": [
            {
                "procedure_code": change.procedure_code,
                "case_code": change.case_code,
                "field": change.field,
                "from": change.before,
                "to": change.after,
            }
            for change in plan.changes
        ],
        "open": plan.open,
        "kept": [
            {"procedure_code": procedure, "case_code": case, "catalogue_version": version, "open": number}
            for procedure, case, version, number in plan.kept
        ],
    }


def plan_text(plan: CataloguePlan) -> Iterator[str]:
    """Say a plan line by line, for people."""
    first = plan.catalogue.effective_from
    yield f"{plan.based_on} → {plan.catalogue.version}, từ / from {first:%d/%m/%Y}"
    for change in plan.changes:
        before, after = (_shown(value) for value in (change.before, change.after))
        yield f"{change.procedure_code} {change.case_code:16}{change.field:32}{before} → {after}"
    yield f"{plan.open} hồ sơ đang giải quyết giữ phiên bản của mình / open dossiers keep their version"
    for procedure, case, version, number in plan.kept:
        yield f"{number:>8} {procedure} {case}: {version}"


def _shown(value: Any) -> str:
    return "–" if value in (None, "", []) else str(value)
