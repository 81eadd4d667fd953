"""JSON unless plain text is preferred."""

from __future__ import annotations

import pytest

from shared.http.media import wants_plain_text

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "text"),
    [
        (None, False),
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("text/plain", True),
        ("TEXT/PLAIN; charset=utf-8", True),
        ("text/*", True),
        ("text/plain, application/json", False),
        ("text/plain, application/json;q=0.9", True),
        ("text/plain;q=0.5, */*;q=0.8", False),
        ("text/plain, */*;q=0.8", True),
        ("text/plain; charset=utf-8; q=0.2, application/json; q=0.1", True),
        ("text/plain;q=0", False),
        ("text/plain;q=x", False),
        (BROWSER, False),
    ],
)
def test_which_form_is_wanted(accept: str | None, text: bool) -> None:
    assert wants_plain_text(accept) is text
