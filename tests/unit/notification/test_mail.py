"""An address that no mail server takes ends the message, never the process."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.notification.channels.mail import MailServer
from services.notification.domain.letters import Letter
from services.notification.domain.messages import Answer, Reason, Result
from services.notification.domain.wording import Text


@pytest.mark.parametrize(
    "to", ["a@tên.example", "ận@xa.example", "a\x00@xa.example", "a,b@xa.example", "<a>@xa.example"]
)
async def test_an_address_that_cannot_be_written_is_rejected_before_any_call(to: str) -> None:
    server = MailServer("127.0.0.1", 1, sender="s@motcua.example", timeout_seconds=1, connections=1)
    letter = Letter("reference", to, Text("Hồ sơ", "Nội dung\n"), datetime.now(UTC))
    assert await server.send(letter) == Result(Answer.REJECTED, Reason.ADDRESS_INVALID)
