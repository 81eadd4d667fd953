"""Questions as lines of JSON, each answered as it comes, in order, whatever stood in those before it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from math import isfinite
from typing import Any, BinaryIO

from deploy.clock.answers import answer
from deploy.clock.questions import FIELDS, Rules, question_of
from deploy.clock.refusals import REFUSED, Refusal, reason_of

MOST_BYTES = 1 << 20
MOST_NAMES = 20
MOST_LETTERS = 40


class Batch:
    """Answers lines; `unread` are the names of fields that were left alone, the first few of them."""

    def __init__(self, rules: Rules, *, explained: bool = False) -> None:
        self._rules = rules
        self._explained = explained
        self.unread: dict[str, None] = {}

    def answers(self, source: BinaryIO) -> Iterator[bytes]:
        """Yield the answer to each line that is not blank, as one line."""
        number = 0
        while line := source.readline(MOST_BYTES + 1):
            number += 1
            if len(line) > MOST_BYTES and not line.endswith(b"\n"):
                _skip_line(source)
                yield _encoded(_refused(None, Refusal("too_long", line=number, most=MOST_BYTES)))
            elif line.strip():
                yield self._line(line, number)

    def _line(self, line: bytes, number: int) -> bytes:
        with suppress(RecursionError):  # nested too deep to be read, or to be written again
            try:
                fields = json.loads(line, parse_int=_whole, parse_float=_finite, parse_constant=_no_number)
            except ValueError:
                return _encoded(_not_json(number))
            return _encoded(self._answer(fields, number))
        return _encoded(_not_json(number))

    def _answer(self, fields: Any, number: int) -> dict[str, Any]:
        if not isinstance(fields, dict):
            return _refused(None, Refusal("not_an_object", line=number))
        for name in fields.keys() - FIELDS:
            if len(self.unread) < MOST_NAMES:
                self.unread[name[:MOST_LETTERS]] = None
        name = fields.get("id")
        try:
            return {"id": name} | answer(question_of(fields, self._rules), explained=self._explained)
        except REFUSED as error:
            return _refused(name, error)


def _refused(name: Any, error: Exception) -> dict[str, Any]:
    return {"id": name, "error": reason_of(error)}


def _not_json(number: int) -> dict[str, Any]:
    return _refused(None, Refusal("not_json", line=number))


class _Beyond(str):
    """A number of JSON that is too large for one here, as it was written: no field takes it, an id comes back so."""

    __slots__ = ()


def _whole(text: str) -> int | _Beyond:
    try:
        return int(text)
    except ValueError:  # thousands of digits
        return _Beyond(text)


def _finite(text: str) -> float | _Beyond:
    found = float(text)
    return found if isfinite(found) else _Beyond(text)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _skip_line(source: BinaryIO) -> None:
    while (rest := source.readline(MOST_BYTES)) and not rest.endswith(b"\n"):
        continue


def _encoded(found: dict[str, Any]) -> bytes:
    name = found.get("id")
    if isinstance(name, _Beyond):
        rest = {field: value for field, value in found.items() if field != "id"}
        return f'{{"id": {name}, '.encode() + _encoded(rest)[1:]
    try:
        return json.dumps(found, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(found).encode() + b"\n"
