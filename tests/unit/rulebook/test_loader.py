"""The loader: each kind of fault planted once and reported with file and line; versions that carry their hash."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest

from shared.rulebook.loader import (
    LawDataError,
    Seed,
    load_seed,
    parse_agencies,
    parse_calendar,
    parse_catalogue,
    version_id,
)
from shared.rulebook.seed.checks import CHECKS
from shared.rulebook.seed.records import Law, read_law
from shared.rulebook.seed.tables import Fault

LAW = Path(str(files("shared.rulebook") / "law"))
HOLIDAYS = "public_holidays_2019_2027.csv"
Change = Callable[[Path], None]
Check = Callable[[Law], Iterator[Fault]]


@dataclass(frozen=True)
class Plant:
    """A change to the law's files and the fault that it must give: file, line and part of the text."""

    change: Change
    file: str
    line: int
    text: str


def line_of(file: str, *starts: str) -> int:
    """Line of the first record whose first cells are these."""
    with (LAW / file).open(newline="", encoding="utf-8") as text:
        for number, cells in enumerate(csv.reader(text), 1):
            if tuple(cells[: len(starts)]) == starts:
                return number
    raise LookupError(starts)


def cell(file: str, line: int, column: str, value: str) -> Change:
    """Write another value into one cell."""

    def change(folder: Path) -> None:
        records = list(csv.reader(io.StringIO((folder / file).read_bytes().decode(), newline="")))
        records[line - 1][records[0].index(column)] = value
        written = io.StringIO(newline="")
        csv.writer(written, lineterminator="\r\n").writerows(records)
        (folder / file).write_bytes(written.getvalue().encode())

    return change


def lines(file: str, edit: Callable[[list[bytes]], None]) -> Change:
    """Edit the lines of a file, each with its end."""

    def change(folder: Path) -> None:
        found = (folder / file).read_bytes().splitlines(keepends=True)
        edit(found)
        (folder / file).write_bytes(b"".join(found))

    return change


def put(line: int, content: Callable[[bytes], bytes]) -> Callable[[list[bytes]], None]:
    def edit(found: list[bytes]) -> None:
        found[line - 1] = content(found[line - 1])

    return edit


def wrong(file: str, line: int, column: str, value: str, text: str, *, told: tuple[str, int] | None = None) -> Plant:
    """A wrong cell; its fault is told at the same place unless `told` names another."""
    return Plant(cell(file, line, column, value), *(told or (file, line)), text)


def broken(file: str, line: int, content: Callable[[bytes], bytes], text: str) -> Plant:
    return Plant(lines(file, put(line, content)), file, line, text)


A, C, S, P, R, M, N = (
    "agencies.csv",
    "catalogue.csv",
    "steps.csv",
    "papers.csv",
    "roles.csv",
    "moves.csv",
    "conditions.csv",
)
SAME_DAY, THREE_DAYS = line_of(C, "1", "1.001193"), line_of(C, "4", "1.000689", "default")
LAND, DISTRICT_COPY = line_of(C, "31", "1.012753"), line_of(C, "7", "2.000635", "district")
BIRTH, LAND_STEPS = line_of(S, "1.001193", "default", "1"), line_of(S, "1.012753", "default", "1")
VERIFIED = line_of(S, "1.000894", "verified", "1")
SWAP, SATURDAY = line_of(HOLIDAYS, "2024-04-29"), line_of(HOLIDAYS, "2024-05-04")
IN_LIEU, LAST_DAY = line_of(HOLIDAYS, "2020-01-28"), 133
TOWNSHIP, BA_DINH, DESK = line_of(A, "H56.97.21"), line_of(A, "H56.97.22"), line_of(A, "H56.97.01")
DEPARTMENT, NEW_COMMUNE = line_of(A, "H56.91"), line_of(A, "H56.61")

PLANTS = {
    "missing file": Plant(lambda folder: (folder / P).unlink(), P, 0, "missing"),
    "byte order mark": broken(N, 1, lambda line: b"\xef\xbb\xbf" + line, "byte order mark"),
    "not UTF-8": broken(N, 3, lambda line: line.replace(b"the", b"\xff", 1), "not UTF-8"),
    "not NFC": broken(A, 2, lambda line: line.replace("ỉ".encode(), "i\u0309".encode(), 1), "NFC"),
    "bare line feed": broken(M, 5, lambda line: line.replace(b"\r\n", b"\n"), "CRLF"),
    "no end of the last line": broken(N, 49, lambda line: line.rstrip(), "CRLF"),
    "header": broken(R, 1, lambda line: line.replace(b"decided_by", b"decides"), "header"),
    "cells": broken(R, 4, lambda line: b"x," + line, "cells"),
    "open quote": broken(N, 49, lambda line: b'"' + line.replace(b",", b',"', 1), "not CSV"),
    "row missing": Plant(lines(P, lambda found: found.pop() and None), P, 0, "197 rows, not 198"),
    "key twice": Plant(lines(N, lambda found: found.append(found[4])), N, 50, "line 5 already"),
    "number": wrong(C, THREE_DAYS, "fee_vnd", "dear", "fee_vnd"),
    "number in another writing": wrong(C, THREE_DAYS, "fee_vnd", "015000", "to be written '15000'"),
    "date": wrong(A, TOWNSHIP, "valid_from", "2019-12-32", "valid_from"),
    "date in another writing": wrong(A, TOWNSHIP, "valid_from", "1575158400", "valid_from"),
    "flag": wrong(C, SAME_DAY, "in_year_2020", "yes", "in_year_2020"),
    "empty": wrong(A, TOWNSHIP, "name_vi", "", "name_vi"),
    "kind": wrong(A, TOWNSHIP, "kind", "ward", "kind"),
    "agency code": wrong(A, TOWNSHIP, "code", "H57.97.21", "code"),
    "agency role": wrong(A, TOWNSHIP, "role", "police", "role: is not"),
    "mapping source": wrong(A, TOWNSHIP, "mapping_source", "rumour", "mapping_source"),
    "area code of a commune": wrong(A, TOWNSHIP, "area_code", "1609", "area_code"),
    "area code of an office": wrong(A, DESK, "area_code", "16093", "area_code"),
    "area code held twice": wrong(A, BA_DINH, "area_code", "16093", "still holds it"),
    "agency path": wrong(A, BA_DINH, "agency_path", "90.97.21.", "is that of H56.97.21"),
    "agency path off the tree": wrong(A, BA_DINH, "agency_path", "90.22.", "is not the parent's path"),
    "agency path without its dot": wrong(A, BA_DINH, "agency_path", "90.97.22", "agency_path"),
    "no parent": wrong(A, TOWNSHIP, "parent_code", "", "parent_code: no such"),
    "parent ends early": wrong(A, NEW_COMMUNE, "parent_code", "H56.97", "not in force as long"),
    "ends before it starts": wrong(A, TOWNSHIP, "valid_to", "2019-01-01", "before valid_from"),
    "succession without an end": wrong(A, NEW_COMMUNE, "succession", "merge", "without an end"),
    "end without succession": wrong(A, TOWNSHIP, "succession", "", "where its work goes"),
    "successor by area": wrong(A, DESK, "successor_code", "H56.61", "by_area"),
    "successor unknown": wrong(A, TOWNSHIP, "successor_code", "H56.99", "successor_code: no such"),
    "successor on another day": wrong(A, DEPARTMENT, "valid_to", "2025-02-27", "the next day"),
    "successor of another role": wrong(A, DEPARTMENT, "successor_code", "H56.94", "another role"),
    "communes of a date": wrong(A, line_of(A, "H56.97.45"), "valid_from", "2025-01-02", "22 communes", told=(A, 0)),
    "limit kind": wrong(C, SAME_DAY, "limit_kind", "weeks", "limit_kind"),
    "same day with an amount": wrong(C, SAME_DAY, "statutory", "1", "a limit same_day has no amounts"),
    "same day without cut-off": wrong(C, SAME_DAY, "cut_off", "", "15:00"),
    "no promise": wrong(C, THREE_DAYS, "promised", "", "both are needed"),
    "promise": wrong(C, THREE_DAYS, "promised", "2", "a third"),
    "procedure code": wrong(C, THREE_DAYS, "procedure_code", "1.00068", "procedure_code"),
    "decider": wrong(C, LAND, "decided_by", "district:xyz", "decided_by"),
    "period": wrong(C, LAND, "excluded_periods", "posting;lunch", "closed list"),
    "fee unit": wrong(C, LAND, "fee_unit", "kilo", "fee_unit"),
    "case ends before it starts": wrong(C, LAND, "effective_to", "2019-12-31", "before effective_from"),
    "year 2020": wrong(C, THREE_DAYS, "in_year_2020", "false", "disagrees"),
    "district's case": wrong(C, DISTRICT_COPY, "effective_to", "2025-07-01", "ends with the district"),
    "weight of a commune's case": wrong(C, THREE_DAYS, "year_2020_weight", "1", "hold none"),
    "sum of weights": wrong(C, LAND, "year_2020_weight", "1451", "sum to 10001", told=(C, 0)),
    "weights of a field": wrong(C, LAND, "field", "merit", "weights of merit", told=(C, 0)),
    "procedure name": wrong(C, DISTRICT_COPY, "name_en", "Another", "another name"),
    "procedures": wrong(C, DISTRICT_COPY, "procedure_code", "1.999999", "55 procedures", told=(C, 0)),
    "reference row": wrong(C, line_of(C, "14"), "row", "39", "row 14 is missing", told=(C, 0)),
    "step without a case": wrong(S, BIRTH, "case_code", "special", "no such case"),
    "case without steps": wrong(C, SAME_DAY, "case_code", "special", "no steps"),
    "step number": wrong(S, BIRTH + 1, "step_no", "7", "2 is due here"),
    "no accept": wrong(S, BIRTH, "move", "work", "one accept"),
    "hand_over not last": wrong(S, BIRTH + 3, "move", "work", "one hand_over"),
    "two signs": wrong(S, BIRTH + 1, "move", "sign", "one sign", told=(S, BIRTH + 3)),
    "number before sign": wrong(S, VERIFIED + 1, "move", "number", "after sign"),
    "two numbers": wrong(S, VERIFIED + 1, "move", "number", "at most one number", told=(S, VERIFIED + 4)),
    "allowances": wrong(S, BIRTH, "allowance_working_hours", "6", "sum is 9, at most 8", told=(S, BIRTH + 3)),
    "negative allowance": wrong(S, BIRTH, "allowance_working_hours", "-1", "allowance_working_hours"),
    "no hours": wrong(S, BIRTH, "allowance_working_hours", "0", "is 0 in period steps"),
    "period of a work step": wrong(S, BIRTH + 1, "excluded_period", "survey", "only there"),
    "period without its step": wrong(C, LAND, "excluded_periods", "posting", "exactly one step"),
    "group of one": wrong(S, BIRTH + 1, "parallel_group", "A", "stand together"),
    "step's role": wrong(S, BIRTH + 1, "agency_role", "gardener", "roles.csv has no gardener"),
    "paper without a case": wrong(P, 2, "case_code", "special", "no such case"),
    "paper in no copy": wrong(P, 2, "originals", "0", "in no copy"),
    "paper's name": wrong(P, line_of(P, "1.000894", "verified"), "name_en", "Another", "another name"),
    "kinds of paper": wrong(P, 2, "paper_code", "new-paper", "79 kinds", told=(P, 0)),
    "year outside": wrong(HOLIDAYS, LAST_DAY, "date", "2028-01-01", "2019 to 2027"),
    "day out of order": wrong(HOLIDAYS, IN_LIEU, "date", "2020-01-21", "after a later one"),
    "kind of day": wrong(HOLIDAYS, IN_LIEU, "kind", "picnic", "kind"),
    "worked Saturday on a Friday": wrong(HOLIDAYS, SATURDAY, "date", "2024-05-03", "no Saturday"),
    "day in lieu on a weekend": wrong(HOLIDAYS, IN_LIEU, "date", "2020-02-01", "weekend"),
    "Saturday for no day": wrong(HOLIDAYS, SATURDAY, "name_en", "Worked Saturday", "names the day"),
    "Saturday for another day": wrong(
        HOLIDAYS, SATURDAY, "name_en", "Worked Saturday (for 2024-04-22)", "no day off by swap"
    ),
    "swap without its Saturday": wrong(HOLIDAYS, SATURDAY, "kind", "holiday", "no Saturday", told=(HOLIDAYS, SWAP)),
    "phrase of a seat": wrong(R, 5, "until_2025_06_30", "somewhere", "until_2025_06_30"),
    "phrase of a later seat": wrong(R, 5, "from_2025_07_01", "somewhere", "from_2025_07_01"),
    "officer's role": wrong(R, 5, "officer_role", "king", "officer_role"),
    "state": wrong(M, 5, "from", "11", "from: is not"),
    "owner": wrong(M, 5, "owner", "metrics", "owner"),
    "token role": wrong(M, 5, "roles", "desk|king", "roles"),
    "clock": wrong(M, 5, "clock", "stops", "clock"),
    "condition unknown": wrong(M, 3, "conditions", "moon_is_full", "not in conditions.csv"),
    "condition unused": wrong(N, 4, "code", "moon_is_full", "no move has this condition"),
}


@dataclass(frozen=True)
class Told:
    """What was said about one planted fault, and by which checks."""

    faults: set[Fault]
    checks: set[Check]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """Each fault planted alone into a copy of the law."""
    found = {}
    for name, plant in PLANTS.items():
        folder = Path(shutil.copytree(LAW, tmp_path_factory.mktemp("law") / "law"))
        plant.change(folder)
        law = read_law(folder)
        by_check = {check: set(check(law)) for check in CHECKS}
        found[name] = Told(set(law.faults).union(*by_check.values()), {check for check in CHECKS if by_check[check]})
    return found


@pytest.fixture
def law(tmp_path: Path) -> Path:
    return Path(shutil.copytree(LAW, tmp_path / "law"))


def test_the_law_itself_has_no_fault(law: Path, seed: Seed) -> None:
    assert load_seed(law) == seed


@pytest.mark.parametrize("name", PLANTS)
def test_a_fault_is_told_by_file_and_line(told: dict[str, Told], name: str) -> None:
    plant = PLANTS[name]
    there = [fault for fault in told[name].faults if (fault.file, fault.line) == (plant.file, plant.line)]
    assert any(plant.text in fault.text for fault in there), told[name].faults


def test_every_check_is_shown_to_fail(told: dict[str, Told]) -> None:
    """A check that no planted fault trips could have been left out."""
    assert set().union(*(told[name].checks for name in PLANTS)) == set(CHECKS)


def test_every_fault_is_told_at_once(law: Path) -> None:
    names = ["byte order mark", "promise", "step number", "kind of day", "clock", "officer's role"]
    for name in names:
        PLANTS[name].change(law)
    with pytest.raises(LawDataError) as caught:
        load_seed(law)
    for name in names:
        assert f"{PLANTS[name].file}:{PLANTS[name].line}: " in str(caught.value)


def test_versions_carry_the_hash_of_their_content(seed: Seed) -> None:
    assert [rule_set for rule_set, _, _ in seed.versions()] == ["catalogue", "calendar", "agencies"]
    for rule_set, version, content in seed.versions():
        assert version == version_id(rule_set, 1, json.loads(json.dumps(content)))
        assert version.startswith(f"{rule_set}-1-")
        assert len(version.rpartition("-")[2]) == 12
        assert version_id(rule_set, 1, {**content, "changed": True}) != version


def test_contents_come_back_from_json(seed: Seed) -> None:
    contents = json.loads(json.dumps([seed.catalogue, seed.calendar, seed.agencies]))
    assert parse_catalogue("c", contents[0]).cases == parse_catalogue("c", seed.catalogue).cases
    assert parse_calendar("c", contents[1]).content == parse_calendar("c", seed.calendar).content
    assert parse_agencies("a", contents[2]).roles == parse_agencies("a", seed.agencies).roles
