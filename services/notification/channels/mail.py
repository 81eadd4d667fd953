"""E-mail over SMTP, by a few connections that are kept between messages."""

from __future__ import annotations

import asyncio
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime

import aiosmtplib

from services.notification.domain.letters import Letter
from services.notification.domain.messages import Answer, Reason, Result


class MailServer:
    """The mail server. STARTTLS is used where it is offered. A call takes at most twice the timeout."""

    def __init__(self, host: str, port: int, *, sender: str, timeout_seconds: float, connections: int) -> None:
        self._host, self._port, self._sender, self._timeout = host, port, sender, timeout_seconds
        self._idle: asyncio.Queue[aiosmtplib.SMTP] = asyncio.Queue()
        for _ in range(connections):
            self._idle.put_nowait(aiosmtplib.SMTP(hostname=host, port=port, timeout=timeout_seconds))
        self._connections = connections

    async def send(self, letter: Letter) -> Result:
        """Hand one message over."""
        try:
            content = write_mail(letter, self._sender).as_bytes(policy=SMTP_POLICY)
        except (ValueError, MessageError, IndexError):
            return Result(Answer.REJECTED, Reason.ADDRESS_INVALID)
        connection = await self._idle.get()
        try:
            return await self._hand_over(connection, letter.to, content)
        finally:
            self._idle.put_nowait(connection)

    async def close(self) -> None:
        """End the connections that are idle."""
        while not self._idle.empty():
            self._idle.get_nowait().close()

    async def _hand_over(self, connection: aiosmtplib.SMTP, to: str, content: bytes) -> Result:
        """Name sender and recipient, then give the message; each of the two within the timeout."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._open_envelope(connection, to)
        except aiosmtplib.SMTPRecipientRefused as error:
            return _refused(connection, error.code)
        except (aiosmtplib.SMTPException, OSError):
            # Whatever else is wrong here (greeting, TLS, our sender address) an operator mends.
            connection.close()
            return Result(Answer.NOT_TAKEN)
        # From here on the server may have the message whatever we hear.
        try:
            async with asyncio.timeout(self._timeout):
                await connection.data(content)
        except aiosmtplib.SMTPDataError as error:
            return _refused(connection, error.code)
        except (aiosmtplib.SMTPException, OSError):
            connection.close()
            return Result(Answer.LOST)
        return Result(Answer.TAKEN)

    async def _open_envelope(self, connection: aiosmtplib.SMTP, to: str) -> None:
        """Name sender and recipient; a connection that the server ended meanwhile is made anew once."""
        if connection.is_connected:
            try:
                await connection.mail(self._sender)
            except aiosmtplib.SMTPServerDisconnected:
                connection.close()
        if not connection.is_connected:
            await connection.connect()
            await connection.mail(self._sender)
        await connection.rcpt(to)


def write_mail(letter: Letter, sender: str) -> EmailMessage:
    """Write one plain e-mail. Raises ValueError or MessageError for an address that is none or is not ASCII."""
    letter.to.encode("ascii")  # the envelope takes nothing else: a name in other letters needs SMTPUTF8
    mail = EmailMessage(policy=SMTP_POLICY)
    mail["Message-ID"] = f"<{letter.reference}@{sender.rpartition('@')[2]}>"
    mail["Date"] = format_datetime(letter.written_at)
    mail["From"] = Address("Một Cửa", addr_spec=sender)
    mail["To"] = Address(addr_spec=letter.to)
    mail["Subject"] = letter.text.subject
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.text.body)
    return mail


def _refused(connection: aiosmtplib.SMTP, code: int) -> Result:
    """Judge a refusal of this recipient or this message: for good (5xx) or for now."""
    connection.close()
    return Result(Answer.REJECTED, Reason.REJECTED) if 500 <= code < 600 else Result(Answer.NOT_TAKEN)
