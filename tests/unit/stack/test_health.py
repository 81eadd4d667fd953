"""The health check of a container speaks HTTP and SMTP, and says what is not well."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deploy.health import main


class Ready(BaseHTTPRequestHandler):
    """Answers 200 on /readyz and 503 elsewhere."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/readyz" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def http() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Ready) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def silent() -> Iterator[str]:
    """A port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def greeting(answers: bytes) -> Iterator[str]:
    """A mail server that greets, and answers so to all that follows."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def converse() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rwb") as lines:
                for word in (b"220 here", answers, b"221 bye"):
                    lines.write(word + b"\r\n")
                    lines.flush()
                    lines.readline()

        speaking = threading.Thread(target=converse)
        speaking.start()
        yield f"smtp://127.0.0.1:{listener.getsockname()[1]}"
        speaking.join()


def test_well_is_exit_zero_and_silent(http: str, capsys: pytest.CaptureFixture[str]) -> None:
    for smtp in greeting(b"250 taken"):
        assert main([f"{http}/readyz", smtp]) == 0
    assert capsys.readouterr().err == ""


def test_what_is_not_well_is_named(http: str, silent: str, capsys: pytest.CaptureFixture[str]) -> None:
    for smtp in greeting(b"421 too busy"):
        assert main([f"{http}/livez", f"{http}/readyz", f"http://{silent}/readyz", f"smtp://{silent}", smtp]) == 1
    said = capsys.readouterr().err
    assert f"{http}/livez: answers 503" in said
    assert f"http://{silent}/readyz: ConnectionRefusedError" in said
    assert f"smtp://{silent}: ConnectionRefusedError" in said
    assert "answers 421 too busy" in said
    assert f"{http}/readyz:" not in said


def test_nothing_asked_is_not_well() -> None:
    assert main([]) == 1
