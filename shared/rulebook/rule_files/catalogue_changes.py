"""A change of the catalogue as a file: one line for each value of a case, and from which day it is in force.

The columns are COLUMNS. `field` is a field of the case, `steps.NUMBER.field` or `papers.CODE.field`; `copy_of` begins a
case as a copy of another of its procedure; `in_force_from`, without a case, is the first day of the version. Dossiers
that were taken in before keep the version that they were taken in under.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pydantic import ValidationError

from shared.rulebook.catalogue import Case, Catalogue, CatalogueContent, Paper, Step
from shared.rulebook.limits import WITHOUT_AMOUNT, LimitKind
from shared.rulebook.rule_files.faults import LineFault, RuleFileFaulty
from shared.rulebook.rule_files.lines import Line, LineWrong, read_lines

COLUMNS = ("procedure_code", "case_code", "field", "value")
REQUIRED = frozenset(COLUMNS)
IN_FORCE_FROM, COPY_OF = "in_force_from", "copy_of"
PARTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "steps": ("no", tuple(name for name in Step.model_fields if name != "no")),
    "papers": ("code", tuple(name for name in Paper.model_fields if name != "code")),
}
"""Part of a case → by what its entries are named, and which of their fields may change."""
STAY = frozenset({"row", "procedure_code", "case_code", "in_year_2020", "year_2020_weight", "max_supplements"})
FIELDS = tuple(name for name in Case.model_fields if name not in {*STAY, *PARTS})
"""Fields of a case that may change; its key, its place in the list and what stands for the year 2020 stay, and how
often papers are asked for without a leader, which the law's conditions say for all cases alike."""

AMOUNTS = ("statutory", "promised", "statutory_online", "promised_online")
"""Both limits at the desk, and both of what is filed online: where one is missing it is as at the desk."""

Key = tuple[str, str]
Written = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Base:
    """What a change is laid over: the catalogue that was published last, and the legal day of today."""

    catalogue: Catalogue
    today: date


@dataclass(slots=True)
class _Draft:
    """A case while it is being changed: as JSON has it, and which line set which of its fields."""

    written: Written
    lines: dict[str, Line] = field(default_factory=dict)

    @property
    def last(self) -> Line:
        return list(self.lines.values())[-1]


def with_changes(text: str, base: Base) -> CatalogueContent:
    """The catalogue's content with the changes laid over it. Raises RuleFileFaulty with every faulty line."""
    before = base.catalogue
    drafts = {_key(case): _Draft(case.model_dump(mode="json")) for case in before.cases}
    faults: list[LineFault] = []
    first_day = base.today
    for line in read_lines(text, COLUMNS, REQUIRED):
        try:
            if line.get("field") == IN_FORCE_FROM:
                first_day = _first_day(line, base)
            else:
                _lay(line, drafts)
        except LineWrong as wrong:
            faults.append(wrong.fault)
    cases: list[Case] = []
    for draft in drafts.values():
        found = _checked(draft)
        faults += found if isinstance(found, list) else []
        cases += [] if isinstance(found, list) else [found]
    if not faults and tuple(cases) == before.cases:
        faults = [LineFault.of(0, "changes_nothing", version=before.version)]
    if faults:
        raise RuleFileFaulty(faults)
    return CatalogueContent(cases=tuple(cases), effective_from=first_day)


def _key(case: Case) -> Key:
    return case.procedure_code, case.case_code


def _first_day(line: Line, base: Base) -> date:
    """Read from which day the version is in force: not before today, nor before the version that it is laid over."""
    day, pending = line.day("value"), base.catalogue.effective_from
    if day < base.today:
        raise line.wrong("past", day=day, today=base.today)
    if pending is not None and day < pending:
        raise line.wrong("before_pending", day=day, pending=pending, version=base.catalogue.version)
    return day


def _lay(line: Line, drafts: dict[Key, _Draft]) -> None:
    key = line.required("procedure_code", "1.001193"), line.required("case_code", "default")
    name = line.required("field", "promised")
    if name == COPY_OF:
        drafts[key] = _copied(line, key, drafts)
        return
    if key not in drafts:
        raise line.wrong("no_case", procedure=key[0], case=key[1])
    draft = drafts[key]
    if name in draft.lines:
        raise line.wrong("twice", what=f"{' '.join(key)} {name}", line=draft.lines[name].number)
    place, last = _place(line, name.split("."), draft.written)
    place[last] = _value(last, line.get("value"))
    draft.lines[name] = line


def _copied(line: Line, key: Key, drafts: Mapping[Key, _Draft]) -> _Draft:
    model = drafts.get((key[0], line.required("value", "default")))
    if model is None:
        raise line.wrong("no_case", procedure=key[0], case=line.get("value"))
    if key in drafts:
        raise line.wrong("case_exists", procedure=key[0], case=key[1])
    return _Draft(
        deepcopy(model.written) | {"case_code": key[1], "in_year_2020": False, "year_2020_weight": 0}, {COPY_OF: line}
    )


def _place(line: Line, path: Sequence[str], written: Written) -> tuple[Written, str]:
    """Find where a value stands: in the case, in one of its steps or in one of its papers."""
    if len(path) == 1 and path[0] in FIELDS:
        return written, path[0]
    if len(path) == 3 and path[0] in PARTS:
        named, fields = PARTS[path[0]]
        entry = next((each for each in written[path[0]] if str(each[named]) == path[1]), None)
        if entry is not None and path[2] in fields:
            return entry, path[2]
    choices = (*FIELDS, *(f"{part}.{named.upper()}.FIELD" for part, (named, _) in PARTS.items()))
    raise line.wrong("choice", column="field", value=line.get("field"), choices=", ".join(choices))


def _value(name: str, text: str) -> Any:
    if name == "excluded_periods":
        return [each.strip() for each in text.split(";") if each.strip()]
    return text or None


def _checked(draft: _Draft) -> Case | list[LineFault]:
    """The case as it stands now, or what is wrong in the lines that made it so."""
    try:
        case = Case.model_validate(draft.written)
    except ValidationError as error:
        return list(_faults(draft, error))
    return list(_senseless(case, draft)) or case if draft.lines else case


def _faults(draft: _Draft, error: ValidationError) -> Iterator[LineFault]:
    for found in error.errors(include_url=False):
        names = [name for name in draft.lines if _loc_of(name, draft) == tuple(map(str, found["loc"]))]
        line = draft.lines[names[0]] if names else draft.last
        said = {"field": line.get("field"), "value": line.get("value") or '""', "what": found["msg"]}
        yield line.wrong("no_value", **said).fault


def _loc_of(name: str, draft: _Draft) -> tuple[str, ...]:
    """Where Pydantic says that a fault is, for a field as a line names it: entries of a part by their place."""
    path = name.split(".")
    if len(path) == 1:
        return (name,)
    part, entry, last = path
    named, _ = PARTS[part]
    place = [str(each[named]) for each in draft.written[part]].index(entry)
    return part, str(place), last


def _senseless(case: Case, draft: _Draft) -> Iterable[LineFault]:
    named = {"procedure": case.procedure_code, "case": case.case_code}
    if what := _wrong_limits(case):
        yield draft.last.wrong("limits", what=what, **named).fault
    if case.effective_to is not None and case.effective_to < case.effective_from:
        yield draft.last.wrong("dates", **named).fault


def _wrong_limits(case: Case) -> str:
    amounts = {name: getattr(case, name) for name in AMOUNTS}
    if case.limit_kind is LimitKind.NONE and case.cut_off is not None:
        return "none, cut_off"
    if case.limit_kind in WITHOUT_AMOUNT:
        return "" if not any(amounts.values()) else ", ".join((case.limit_kind, *filter(amounts.get, amounts)))
    if any(_is_no_pair(each.statutory, each.promised) for each in (case, case.filed_online)):
        return ", ".join(f"{name} {amount or ''}" for name, amount in amounts.items())
    return ""


def _is_no_pair(statutory: int | None, promised: int | None) -> bool:
    return statutory is None or promised is None or promised > statutory
