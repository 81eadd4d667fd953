"""What request bodies share: unknown fields and wrong types are refused, texts are bounded and printable."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, TypeAlias, TypeVar

from fastapi import Path
from fastapi.exceptions import RequestValidationError
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationError,
)

from shared.http.sentences import A_DAY, A_MOMENT


class RequestBody(BaseModel):
    """A body as callers must send it: no other fields; frozen; faults never show what was sent."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


Shape = TypeVar("Shape", bound=RequestBody)


def read_body(shape: type[Shape], body: bytes) -> Shape:
    """Read a body whose shape its path names; an empty one is an empty object. Raises RequestValidationError."""
    try:
        return shape.model_validate_json(body or b"{}", strict=True)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise RequestValidationError(faults) from error


def _printable(text: str) -> str:
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Cn", "Co"} and letter not in "\n\t" for letter in text):
        raise ValueError("This holds a character that cannot be printed.")
    return unicodedata.normalize("NFC", text)


def _written(form: str, read: Callable[[str], date], said: str) -> BeforeValidator:
    """Read what is text of a form; Pydantic would take a number, or digits, for seconds since 1970."""

    def reader(value: object) -> date:
        if not isinstance(value, str) or not re.fullmatch(form, value, re.ASCII):
            raise ValueError(said)
        try:
            return read(value)
        except ValueError:
            raise ValueError(said) from None

    return BeforeValidator(reader)


_DAY = r"\d{4}-\d{2}-\d{2}"

Day: TypeAlias = Annotated[date, _written(_DAY, date.fromisoformat, A_DAY)]
"""A date as text, RFC 3339 full-date: neither a number nor a moment is one."""

Moment: TypeAlias = Annotated[AwareDatetime, _written(_DAY + "[Tt ].+", datetime.fromisoformat, A_MOMENT)]
"""A moment as text with its offset, RFC 3339: neither a number nor a text of digits is one."""

Line: TypeAlias = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\n\t]*$"),
    AfterValidator(_printable),
]
"""One line of text: 1 to 200 characters, Unicode NFC."""

LongText: TypeAlias = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=2000), AfterValidator(_printable)
]
"""Several lines of text: at most 2,000 characters, Unicode NFC."""

Code: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+$")]
"""A code of a closed list: letters, digits and the marks . _ : -"""

DossierCodePath: TypeAlias = Annotated[
    str, Path(max_length=40, pattern=r"^[0-9A-Z.-]+$", description="Mã hồ sơ.", examples=["H56.97.21-200102-0001"])
]
"""A dossier's code in a path: only its letters; whether there is such a dossier is another question."""
