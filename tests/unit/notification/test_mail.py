"""Every way in which a mail server can take a message, or not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from services.notification.channels.mail import MailServer
from services.notification.domain.letters import Letter
from services.notification.domain.messages import Answer, Reason, Result
from services.notification.domain.wording import Text
from tests.unit.shared.small_server import listening


@pytest.mark.parametrize(
    "to", ["a@tên.example", "ận@xa.example", "a\x00@xa.example", "a,b@xa.example", "<a>@xa.example"]
)
async def test_an_address_that_cannot_be_written_is_rejected_before_any_call(to: str) -> None:
    server = MailServer("127.0.0.1", 1, sender="s@motcua.example", timeout_seconds=1, connections=1)
    letter = Letter("reference", to, Text("Hồ sơ", "Nội dung\n"), datetime.now(UTC))
    assert await server.send(letter) == Result(Answer.REJECTED, Reason.ADDRESS_INVALID)


GREETING, HELLO, SENDER, RECIPIENT, DATA, CONTENT = range(6)
POLITE = ("220 ready", "250 mail.example", "250 sender ok", "250 recipient ok", "354 go on", "250 taken")


async def handed_over(replies: Sequence[str], *, pause_seconds: float = 0.0) -> Result:
    """What we make of a mail server that gives these replies in turn, each after a pause, and then falls silent."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for place, reply in enumerate(replies):
            if place == CONTENT:
                await reader.readuntil(b"\r\n.\r\n")
            elif place != GREETING:
                await reader.readline()
            await asyncio.sleep(pause_seconds)
            writer.write(f"{reply}\r\n".encode())
        await reader.read()

    async with listening(serve) as port:
        server = MailServer("127.0.0.1", port, sender="s@motcua.example", timeout_seconds=0.5, connections=1)
        letter = Letter("reference", "a@dan.example", Text("Hồ sơ", "Nội dung\n"), datetime.now(UTC))
        try:
            return await server.send(letter)
        finally:
            await server.close()


async def test_a_polite_server_takes_the_message() -> None:
    assert await handed_over(POLITE) == Result(Answer.TAKEN)


@pytest.mark.parametrize(
    ("place", "reply", "result"),
    [
        (GREETING, "554 no service for you", Result(Answer.NOT_TAKEN)),
        (SENDER, "530 authentication required", Result(Answer.NOT_TAKEN)),
        (SENDER, "550 sender unknown", Result(Answer.NOT_TAKEN)),
        (RECIPIENT, "451 try later", Result(Answer.NOT_TAKEN)),
        (RECIPIENT, "550 no such user", Result(Answer.REJECTED, Reason.REJECTED)),
        (CONTENT, "451 try later", Result(Answer.NOT_TAKEN)),
        (CONTENT, "554 we do not like it", Result(Answer.REJECTED, Reason.REJECTED)),
    ],
)
async def test_only_recipient_and_content_can_be_refused_for_good(place: int, reply: str, result: Result) -> None:
    assert await handed_over((*POLITE[:place], reply)) == result


async def test_silence_before_the_content_is_not_taken_and_after_it_is_lost() -> None:
    assert await handed_over(POLITE[:SENDER]) == Result(Answer.NOT_TAKEN)
    assert await handed_over(POLITE[:CONTENT]) == Result(Answer.LOST)


async def test_a_server_that_is_slow_at_every_command_does_not_hold_a_call_for_longer() -> None:
    """Each reply is within the timeout, all of them together are not."""
    assert await handed_over(POLITE, pause_seconds=0.3) == Result(Answer.NOT_TAKEN)
