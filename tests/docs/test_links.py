"""From the README a newcomer finds each rule within three openings: the README, the linked place, a file in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)\)")
PLACE = re.compile(r"\[[^\]]*\]\(([^)#\s:]*)#([^)\s]+)\)")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
ANSWERS = {
    "Where does Tết live?": r"Tết Nguyên đán",
    "Where does a dossier become late?": r"def judge\(",
    "Where is an SMS text written?": r"Ho so .* da tiep nhan|tiep nhan ho so|Da tiep nhan",
}


def question_links() -> dict[str, list[str]]:
    rows = re.findall(r"^\| (Wh[^|]+\?) \| (.+) \|$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    return {question: LINK.findall(answer) for question, answer in rows}


@pytest.mark.parametrize("question", ANSWERS)
def test_the_answer_is_within_three_openings(question: str) -> None:
    place = ROOT / question_links()[question][0]
    files = [place] if place.is_file() else [path for path in place.iterdir() if path.is_file()]
    assert any(re.search(ANSWERS[question], path.read_text("utf-8")) for path in files), place


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_of_the_docs_leads_somewhere(document: Path) -> None:
    links = [link for link in LINK.findall(document.read_text("utf-8")) if "://" not in link]
    assert [link for link in links if not (document.parent / link).exists()] == []


def anchors(document: Path) -> set[str]:
    """The names under which a page's headings are linked to."""
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_to_a_heading_finds_it(document: Path) -> None:
    for file, anchor in PLACE.findall(document.read_text("utf-8")):
        target = document.parent / file if file else document
        assert anchor in anchors(target), f"{file}#{anchor}"


def rows_of_guarantees() -> list[str]:
    lines = (ROOT / "docs" / "delivery-guarantees.md").read_text("utf-8").splitlines()
    return [line for line in lines if line.startswith("| ") and not line.startswith(("| guarantee |", "| failure |"))]


@pytest.mark.parametrize("row", rows_of_guarantees(), ids=lambda row: row.split(" | ")[0][2:])
def test_each_guarantee_names_what_shows_it(row: str) -> None:
    tests = [name.partition("::") for name in re.findall(r"`(tests/[^`]+)`", row)]
    faults = {int(number) for numbers in re.findall(r"\bfaults? ([\d, ]+)", row) for number in numbers.split(",")}
    page = (ROOT / "docs" / "faults.md").read_text("utf-8").partition("## Not injected")[0]
    assert tests or faults
    assert "`::" not in row, "name the file of each test: what begins with :: is not looked for"
    for file, _, test in tests:
        assert test, f"{file}: name the test in it"
        assert f"def {test}(" in (ROOT / file).read_text("utf-8"), f"{file} has no test {test}"
    assert faults <= {int(number) for number in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
