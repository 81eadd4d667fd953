"""The page of limits names every setting of the edge with the value that it has unless told."""

from __future__ import annotations

import re
from pathlib import Path

from shared.http.problems import TITLES
from shared.settings import LimitSettings

PAGE = Path(__file__).parents[2] / "docs" / "edge.md"


def test_every_limit_stands_on_the_page_with_its_default() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([\d.]+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert dict(rows) == {name.upper(): str(field.default) for name, field in LimitSettings.model_fields.items()}


def test_every_refusal_on_the_page_has_a_title() -> None:
    codes = set(re.findall(r"\d{3} `([a-z_]+)`", PAGE.read_text("utf-8")))
    assert codes
    assert codes <= TITLES.keys()
