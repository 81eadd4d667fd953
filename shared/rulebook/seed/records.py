"""Typed records of the law's files, each with the line that it stands in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from importlib.resources.abc import Traversable
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from shared.rulebook.agencies import Agency
from shared.rulebook.calendar import SpecialDay
from shared.rulebook.catalogue import Case, Paper, Step
from shared.rulebook.seats import RoleRule
from shared.rulebook.seed.role_phrases import role_rule
from shared.rulebook.seed.tables import Fault, Layout, Row, read_table

Model = TypeVar("Model", bound=BaseModel)
Value = TypeVar("Value")

CASE_KEY = ("procedure_code", "case_code")

AGENCIES = Layout(
    "agencies.csv",
    "code,area_code,name_vi,name_en,kind,role,parent_code,valid_from,valid_to,successor_code,succession,"
    "mapping_source,agency_path,note",
    ("code",),
    51,
)
CATALOGUE = Layout(
    "catalogue.csv",
    "row,procedure_code,case_code,name_vi,name_en,case_name_vi,case_name_en,field,field_vi,decided_by,"
    "received_at,limit_kind,statutory,promised,cut_off,excluded_periods,supplement_policy,supplement_limit_days,"
    "max_supplements,fee_vnd,fee_unit,effective_from,effective_to,in_year_2020,year_2020_weight,source_note",
    CASE_KEY,
    67,
)
STEPS = Layout(
    "steps.csv",
    "procedure_code,case_code,step_no,step_code,name_vi,name_en,agency_role,move,allowance_working_hours,"
    "parallel_group,excluded_period",
    (*CASE_KEY, "step_no"),
    376,
)
PAPERS = Layout(
    "papers.csv",
    "procedure_code,case_code,paper_code,name_vi,name_en,originals,certified,photocopies,required,reusable",
    (*CASE_KEY, "paper_code"),
    198,
)
HOLIDAYS = Layout(
    "public_holidays_2019_2027.csv",
    "date,kind,name_vi,name_en,source",
    ("date",),
    132,
)
ROLES = Layout(
    "roles.csv",
    "agency_role,decided_by,until_2025_06_30,from_2025_07_01,officer_role",
    ("agency_role", "decided_by"),
    20,
)
MOVES = Layout(
    "moves.csv",
    "from,action,to,owner,roles,clock,conditions,fact",
    ("from", "action", "conditions"),
    46,
)
CONDITIONS = Layout("conditions.csv", "code,meaning", ("code",), 48)


@dataclass(frozen=True, slots=True)
class Lined(Generic[Value]):
    """A record, its row, and the case that it belongs to, where it belongs to one."""

    row: Row
    value: Value

    @property
    def case_key(self) -> tuple[str, str]:
        """Procedure and case of the row."""
        return self.row.cells["procedure_code"], self.row.cells["case_code"]


@dataclass(slots=True)
class Law:
    """All files of the law, as far as they could be read, and what was wrong with the rest."""

    agencies: list[Lined[Agency]] = field(default_factory=list)
    cases: list[Lined[Case]] = field(default_factory=list)
    steps: list[Lined[Step]] = field(default_factory=list)
    papers: list[Lined[Paper]] = field(default_factory=list)
    days: list[Lined[SpecialDay]] = field(default_factory=list)
    roles: list[Lined[RoleRule]] = field(default_factory=list)
    moves: list[Row] = field(default_factory=list)
    conditions: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def read_law(folder: Traversable) -> Law:
    """Every file of a folder, read and typed; nothing is raised for what is wrong in it."""
    law = Law()
    law.agencies = _records(law, folder, AGENCIES, _typed(Agency, AGENCIES, {"agency_path": "path"}))
    law.cases = _records(law, folder, CATALOGUE, _typed(Case, CATALOGUE, {}))
    law.steps = _records(law, folder, STEPS, _typed(Step, STEPS, _STEP_FIELDS))
    law.papers = _records(law, folder, PAPERS, _typed(Paper, PAPERS, {"paper_code": "code"}))
    law.days = _records(law, folder, HOLIDAYS, _typed(SpecialDay, HOLIDAYS, {"date": "day"}))
    law.roles = _records(law, folder, ROLES, role_rule)
    law.moves = _rows(law, folder, MOVES)
    law.conditions = _rows(law, folder, CONDITIONS)
    return law


_STEP_FIELDS = {"step_no": "no", "step_code": "code", "allowance_working_hours": "allowance_hours"}


def _rows(law: Law, folder: Traversable, layout: Layout) -> list[Row]:
    rows, faults = read_table(folder, layout)
    law.faults += faults
    return rows


def _records(
    law: Law, folder: Traversable, layout: Layout, read: Callable[[Row], Value | list[Fault]]
) -> list[Lined[Value]]:
    records = []
    for row in _rows(law, folder, layout):
        found = read(row)
        if isinstance(found, list):
            law.faults += found
        else:
            records.append(Lined(row, found))
    return records


def _typed(model: type[Model], layout: Layout, renamed: Mapping[str, str]) -> Callable[[Row], Model | list[Fault]]:
    """A reader of rows as a model: an empty cell is a missing value, and a value has one way to be written."""
    known = set(model.model_fields)
    fields = {renamed.get(column, column): column for column in layout.columns}
    fields = {name: column for name, column in fields.items() if name in known}

    def read(row: Row) -> Model | list[Fault]:
        given = {name: row.cells[column] for name, column in fields.items() if row.cells[column]}
        try:
            found = model.model_validate(_split(given))
        except ValidationError as error:
            return [row.fault(f"{fields.get(str(e['loc'][0]), e['loc'][0])}: {e['msg']}") for e in error.errors()]
        return list(_miswritten(row, found, given, fields)) or found

    return read


def _split(given: Mapping[str, str]) -> dict[str, str | list[str]]:
    return {name: cell.split(";") if name == "excluded_periods" else cell for name, cell in given.items()}


def _miswritten(row: Row, found: BaseModel, given: Mapping[str, str], fields: Mapping[str, str]) -> Iterable[Fault]:
    for name, cell in given.items():
        written = _written(getattr(found, name))
        if written != cell:
            yield row.fault(f"{fields[name]}: {cell!r} is to be written {written!r}")


def _written(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case time():
            return f"{value:%H:%M}"
        case date():
            return value.isoformat()
        case tuple():
            return ";".join(value)
        case _:
            return str(value)
