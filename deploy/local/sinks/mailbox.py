"""The mail server's side of SMTP (RFC 5321): takes messages and writes them down."""

from __future__ import annotations

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP

from deploy.local.sinks.conduct import Conduct, Conducts
from deploy.local.sinks.logbook import Kind, Logbook


class Mailbox:
    """Handler of aiosmtpd: one call for each message."""

    def __init__(self, logbook: Logbook, conducts: Conducts) -> None:
        self._logbook, self._conducts = logbook, conducts

    def protocol(self) -> SMTP:
        """One connection."""
        return SMTP(self, hostname="mail.sink", ident="motcua mail sink", enable_SMTPUTF8=True)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take one message, unless told to behave badly."""
        match self._conducts.next(Kind.MAIL):
            case Conduct.REFUSE:
                return "451 try again later"
            case Conduct.REJECT:
                return "554 the message is refused"
            case Conduct.WITHHOLD:
                self._write_down(envelope)
                await asyncio.Event().wait()
        self._write_down(envelope)
        return "250 taken"

    def _write_down(self, envelope: Any) -> None:
        message = message_from_bytes(envelope.content, EmailMessage, policy=policy.SMTP)
        reference = str(message["message-id"] or "").strip("<>").partition("@")[0]
        body = message.get_body()
        text = f"{message['subject']}\n\n{body.get_content().strip() if body else ''}".replace("\r\n", "\n")
        self._logbook.arrived(Kind.MAIL, reference, to=",".join(envelope.rcpt_tos), text=text)
