"""The mail server's side of SMTP (RFC 5321): takes messages and writes them down."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from email.header import decode_header, make_header
from typing import Any

from aiosmtpd.smtp import SMTP

from deploy.local.sinks.conduct import SLOW_SECONDS, Conduct, Conducts
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
            case Conduct.SLOW:
                await asyncio.sleep(SLOW_SECONDS)
        self._write_down(envelope)
        return "250 taken"

    def _write_down(self, envelope: Any) -> None:
        # The old policy reads only the headers that are asked for; the new one parses them all, at ten times the cost.
        message = message_from_bytes(envelope.content)
        reference = str(message["message-id"] or "").strip("<>").partition("@")[0]
        subject = make_header(decode_header(message["subject"] or ""))
        body = message.get_payload(decode=True)
        written = body.decode(message.get_content_charset("utf-8")) if isinstance(body, bytes) else ""
        text = f"{subject}\n\n{written.strip()}".replace("\r\n", "\n")
        self._logbook.arrived(Kind.MAIL, reference, to=",".join(envelope.rcpt_tos), text=text)
