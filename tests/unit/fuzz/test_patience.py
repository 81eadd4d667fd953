"""What `make fuzz` says of a run: a 503 that was asked again is counted, told, and forgiven only where it may be."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.fuzz.asking import ASKED_AGAIN, Extent, Heard, again, patient_session
from tests.fuzz.table import MARKS, MAY_BE_LATE, PAGE, impatient, page_of


@contextmanager
def answering(*statuses: int, headers: dict[str, str]) -> Iterator[str]:
    """A server that answers these in their order, then 200; its address."""
    left = list(statuses)

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(left.pop(0) if left else 200)
            for name, value in {**headers, "Content-Length": "0"}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing on stderr."""

    server = HTTPServer(("127.0.0.1", 0), Answering)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


@pytest.mark.parametrize(
    ("statuses", "headers", "answer"),
    [
        ((503, 503), {"Retry-After": "0"}, (200, 2)),
        ((503,) * 9, {"Retry-After": "0"}, (503, ASKED_AGAIN)),
        ((503,), {}, (503, 0)),
        ((500,), {"Retry-After": "0"}, (500, 0)),
        ((429,), {"Retry-After": "0"}, (429, 0)),
        ((), {}, (200, 0)),
    ],
)
def test_only_a_503_that_says_when_is_asked_again_and_it_is_counted(
    statuses: tuple[int, ...], headers: dict[str, str], answer: tuple[int, int]
) -> None:
    with answering(*statuses, headers=headers) as url, patient_session() as session:
        response = session.post(url, data=b"{}")
    assert (response.status_code, again(response)) == answer


def test_the_table_adds_up_what_was_heard_and_names_who_asked_for_patience_without_a_reason() -> None:
    late, hurried = next(iter(MAY_BE_LATE)), "POST /v1/dossiers"
    heard = {
        late: Heard(Counter({201: 1, 409: 1_000}), asked_again=2),
        hurried: Heard(Counter({201: 998, 500: 2}), asked_again=1, wrong=ExceptionGroup("no", [ValueError()])),
    }
    found = {"intake": heard, "metrics": {"GET /v1/acts": Heard(Counter({200: 7}))}}
    assert list(impatient(found)) == [f"intake: {hurried}"]
    told, _, _, _, intake, metrics = page_of(found, Extent(1_000, 7)).splitlines()
    assert "seed 7, 1,000 examples of each operation; commit " in told
    assert (intake, metrics) == ("| intake | 2 | 2,001 | 2 | 1 | 3 |", "| metrics | 1 | 7 | 0 | 0 | 0 |")


def test_the_page_has_a_place_for_the_table() -> None:
    page = PAGE.read_text("utf-8")
    assert -1 < page.find(MARKS[0]) < page.find(MARKS[1])
