"""The page of moves is what the code's tables say, whole: diagram, states, rows and conditions."""

from __future__ import annotations

import re

import pytest

from shared.rulebook.moves import MOVES
from tests.docs.moves import ACTS, BESIDE, MARKS, PAGE, arrows, diagram, text


def written() -> str:
    begin, end = MARKS
    return PAGE.read_text("utf-8").partition(f"{begin}\n")[2].partition(end)[0]


def test_the_page_is_what_the_tables_say() -> None:
    assert written() == text(), "run `make docs`, and commit what it wrote"


def test_every_row_is_on_the_page_once_and_goes_along_an_arrow_or_stays() -> None:
    assert re.findall(r"^\| (\d+) \| .* \| `(dossier\.\w+)` \|$", written(), re.MULTILINE) == [
        (str(number), move.fact) for number, move in enumerate(MOVES, 1)
    ]
    drawn = set(re.findall(r"--> s\d+ : (.+)", diagram()))
    changing = {", ".join(actions) for (begins, ends), actions in arrows().items() if begins is not ends}
    assert drawn == changing


def test_every_move_has_one_term() -> None:
    assert BESIDE.keys() == {move.action for move in MOVES if move.action not in ACTS[move.owner]}


@pytest.mark.parametrize("label", re.findall(r' : (.+)|state "(.+)"', diagram()))
def test_what_stands_in_the_diagram_ends_no_label_early(label: tuple[str, str]) -> None:
    assert re.fullmatch(r"[\w ·,]+", "".join(label))
