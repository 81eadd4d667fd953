"""One CSV file of the law: its bytes, its lines, its cells. What is wrong is collected, never raised one by one."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong at a line of a file; line 0 means the file as a whole."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class Row:
    """One record as written; `line` is its last line in the file, counted from 1."""

    file: str
    line: int
    cells: dict[str, str]

    def fault(self, text: str) -> Fault:
        """Say what is wrong with this row."""
        return Fault(self.file, self.line, text)


@dataclass(frozen=True, slots=True)
class Layout:
    """What a file must look like: its header, the columns of its key, the rows of the seed."""

    file: str
    header: str
    key: tuple[str, ...]
    rows: int

    @property
    def columns(self) -> tuple[str, ...]:
        """The header's columns."""
        return tuple(self.header.split(","))


def read_table(folder: Traversable, layout: Layout) -> tuple[list[Row], list[Fault]]:
    """The rows of a file and every fault of its form: UTF-8 without mark, NFC, CRLF, header, cells, keys, count."""
    path = folder / layout.file
    if not path.is_file():
        return [], [Fault(layout.file, 0, "the file is missing")]
    raw = path.read_bytes()
    faults = list(_faults_of_bytes(layout.file, raw))
    text = raw.removeprefix(BYTE_ORDER_MARK).decode("utf-8", errors="replace")
    faults += _faults_of_text(layout.file, text)
    rows = []
    for found in _records(layout, text):
        if isinstance(found, Fault):
            faults.append(found)
        else:
            rows.append(found)
    return rows, [*faults, *_faults_of_rows(layout, rows)]


def _faults_of_bytes(file: str, raw: bytes) -> Iterator[Fault]:
    if raw.startswith(BYTE_ORDER_MARK):
        yield Fault(file, 1, "begins with a byte order mark")
    lines = raw.split(b"\n")
    for number, line in enumerate(lines, 1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            yield Fault(file, number, "is not UTF-8")
        if number < len(lines) and not line.endswith(b"\r"):
            yield Fault(file, number, "does not end in CRLF")
    if lines[-1]:
        yield Fault(file, len(lines), "does not end in CRLF")


def _faults_of_text(file: str, text: str) -> Iterator[Fault]:
    for number, line in enumerate(text.split("\n"), 1):
        if not unicodedata.is_normalized("NFC", line):
            yield Fault(file, number, "is not in Unicode form NFC")


def _records(layout: Layout, text: str) -> Iterator[Row | Fault]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        if tuple(header) != layout.columns:
            yield Fault(layout.file, 1, f"the header is not {layout.header}")
            return
        for cells in reader:
            yield _record(layout, reader.line_num, cells)
    except csv.Error as error:
        yield Fault(layout.file, reader.line_num, f"is not CSV: {error}")


def _record(layout: Layout, line: int, cells: Sequence[str]) -> Row | Fault:
    if len(cells) != len(layout.columns):
        return Fault(layout.file, line, f"has {len(cells)} cells, not {len(layout.columns)}")
    return Row(layout.file, line, dict(zip(layout.columns, cells, strict=True)))


def _faults_of_rows(layout: Layout, rows: Sequence[Row]) -> Iterator[Fault]:
    seen: dict[tuple[str, ...], int] = {}
    for row in rows:
        key = tuple(row.cells[column] for column in layout.key)
        if key in seen:
            yield row.fault(f"the key {' '.join(key)} stands in line {seen[key]} already")
        seen.setdefault(key, row.line)
    if len(rows) != layout.rows:
        yield Fault(layout.file, 0, f"has {len(rows)} rows, not {layout.rows}")
