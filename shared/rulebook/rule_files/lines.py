"""The lines of a file that changes the rules: CSV with a header, `#` before a comment, `,` or `;` between cells."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from shared.rulebook.rule_files.faults import LineFault, RuleFileFaulty


class LineWrong(Exception):
    """A line cannot be used."""

    def __init__(self, line: int, code: str, /, **named: object) -> None:
        super().__init__(code)
        self.fault = LineFault.of(line, code, **named)


@dataclass(frozen=True, slots=True)
class Line:
    """One line by its columns; a column that the file leaves out is empty."""

    number: int
    cells: Mapping[str, str]

    def wrong(self, code: str, /, **named: object) -> LineWrong:
        """Say what is wrong with this line."""
        return LineWrong(self.number, code, **named)

    def get(self, column: str) -> str:
        """The text of a cell."""
        return self.cells.get(column, "")

    def required(self, column: str, example: str) -> str:
        """The text of a cell that has to be filled. Raises LineWrong."""
        if not self.get(column):
            raise self.wrong("missing", column=column, example=example)
        return self.get(column)

    def day(self, column: str) -> date:
        """The date that a cell names. Raises LineWrong."""
        value = self.required(column, "2020-03-13")
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise self.wrong("no_date", column=column, value=value) from None


def read_lines(text: str, columns: Sequence[str], required: Collection[str]) -> list[Line]:
    """Every line of data. Raises RuleFileFaulty with every fault of the file's form."""
    rows = list(_rows(unicodedata.normalize("NFC", text.removeprefix("\ufeff"))))
    if not rows:
        raise RuleFileFaulty([LineFault.of(0, "empty")])
    (first, header), data = rows[0], rows[1:]
    faults = list(_faults_of_header(first, header, columns, required))
    if not faults and not data:
        faults = [LineFault.of(0, "empty")]
    faults += [
        LineFault.of(number, "cells", found=len(cells), wanted=len(header))
        for number, cells in data
        if len(cells) != len(header)
    ]
    if faults:
        raise RuleFileFaulty(faults)
    return [Line(number, dict(zip(header, cells, strict=True))) for number, cells in data]


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that say something, each with its number."""
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells) and not cells[0].startswith("#"):
                yield reader.line_num, cells
    except csv.Error as error:
        raise RuleFileFaulty([LineFault.of(reader.line_num, "not_csv", what=error)]) from None


def _faults_of_header(
    number: int, header: Sequence[str], columns: Sequence[str], required: Collection[str]
) -> Iterator[LineFault]:
    for column in dict.fromkeys(header):
        if column not in columns:
            yield LineFault.of(number, "column_unknown", column=column or '""', columns=", ".join(columns))
        elif header.count(column) > 1:
            yield LineFault.of(number, "column_twice", column=column)
    for column in columns:
        if column in required and column not in header:
            yield LineFault.of(number, "column_missing", column=column)
