"""On what a pause rests: by kind and date, from a closed list."""

from __future__ import annotations

from datetime import date

import pytest

from shared.rulebook.bases import BASES, basis_of
from shared.rulebook.pauses import PauseKind


@pytest.mark.parametrize(("day", "code"), [(date(2025, 6, 30), "nd61_2018_d19"), (date(2025, 7, 1), "nd118_2025")])
def test_a_supplement_rests_on_the_decree_in_force(day: date, code: str) -> None:
    assert basis_of(PauseKind.SUPPLEMENT, day).code == code


@pytest.mark.parametrize("kind", [kind for kind in PauseKind if kind is not PauseKind.SUPPLEMENT])
def test_all_else_rests_on_what_the_procedure_excludes(kind: PauseKind) -> None:
    assert basis_of(kind, date(2020, 3, 2)).code == "procedure_excluded_period"


def test_no_article_is_cited_for_none_was_found() -> None:
    said = " ".join(f"{basis.vi} {basis.en}".lower() for basis in BASES.values())
    assert [word for word in ("điều ", "khoản ", "article", "clause") if word in said] == []


def test_every_code_is_cited_in_both_languages() -> None:
    assert all(basis.code == code and basis.vi and basis.en != basis.vi for code, basis in BASES.items())
