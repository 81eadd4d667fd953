"""README.md and README.vi.md say the same: the same sections, code, tables and links, each in its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGLISH, VIETNAMESE = "README.md", "README.vi.md"


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def outline(text: str) -> list[str]:
    """What a page is made of, block by block: headings by their level, tables by their rows, code, paragraphs."""
    return [_kind(block) for block in re.split(r"\n{2,}", text.strip())]


def _kind(block: str) -> str:
    lines = block.splitlines()
    if block.startswith("#"):
        return lines[0].split()[0]
    if block.startswith("|"):
        return f"table of {len(lines)} rows, {lines[0].count('|')} bars"
    if block.startswith("```"):
        return _without_labels(block)
    return code(block) if block.startswith("    ") else "paragraph"


def _without_labels(block: str) -> str:
    """A diagram's nodes and arrows; what stands in their labels is language."""
    return re.sub(r"-- [^\n>]+? -->", "-->", re.sub(r"\(\[[^\]]+\]\)", "", block))


def code(block: str) -> str:
    """Lines of code without their comments, which are language."""
    return "\n".join(re.sub(r"\s+# .*", "", line) for line in block.splitlines())


def spans(text: str) -> list[str]:
    return sorted(re.findall(r"`([^`\n]+)`", text))


def links(text: str) -> list[str]:
    """Where links lead, without those from one language to the other."""
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if link not in {ENGLISH, VIETNAMESE}]


def test_each_links_to_the_other_at_its_top() -> None:
    for page, other in ((ENGLISH, VIETNAMESE), (VIETNAMESE, ENGLISH)):
        assert f"]({other})" in "\n".join(read(page).splitlines()[:5])


def test_both_have_the_same_sections_tables_and_blocks_of_code_in_the_same_order() -> None:
    assert outline(read(VIETNAMESE)) == outline(read(ENGLISH))


def test_both_have_the_same_links_in_the_same_order() -> None:
    assert links(read(VIETNAMESE)) == links(read(ENGLISH))


def test_both_name_the_same_commands_variables_and_files() -> None:
    assert spans(read(VIETNAMESE)) == spans(read(ENGLISH))


@pytest.mark.parametrize(
    ("left_out", "found_by"),
    [
        ("## Giấy phép\n\n", outline),
        ("| `MOTCUA_LOG__LEVEL` | `info` nếu không nêu |\n", outline),
        ("    .venv/bin/motcua parked show processing 17 ", outline),
        ("    prometheus([Prometheus]) --> metrics\n", outline),
        ("[docs/adr](docs/adr)", links),
        ("`MOTCUA_LOG__LEVEL`", spans),
    ],
)
def test_what_one_of_them_leaves_out_is_found(left_out: str, found_by: object) -> None:
    whole = read(VIETNAMESE)
    assert left_out in whole
    assert callable(found_by)
    assert found_by(whole.replace(left_out, "", 1)) != found_by(read(ENGLISH))
