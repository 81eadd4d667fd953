"""Heads of all journals as a file, their roots as a mail: what leaves the house, and comes back to be compared."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from deploy.cli.outcome import Exit, end
from shared.clocks import OFFICE_ZONE
from shared.messaging.chain import root_of
from shared.messaging.journal import JournalHeads, Published
from shared.messaging.publications import JOURNALS, PublishedRoot

MAIL_SECONDS = 30
_Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Head(BaseModel):
    model_config = ConfigDict(frozen=True)

    topic: str
    subject: str
    seq: Annotated[int, Field(ge=1)]
    hash: _Hash


class _Journal(BaseModel):
    model_config = ConfigDict(frozen=True)

    root: _Hash
    heads: tuple[_Head, ...]


_FILE = TypeAdapter(dict[str, _Journal])


def as_file(found: Mapping[str, JournalHeads]) -> str:
    """Write every head of each journal as JSON, with the root over them."""
    names = ("topic", "subject", "seq", "hash")
    journals = {
        service: {"root": of.root, "heads": [dict(zip(names, head, strict=True)) for head in of.heads]}
        for service, of in found.items()
    }
    return json.dumps(journals, indent=2)


def read_file(file: Path) -> Mapping[str, JournalHeads]:
    """Read what `as_file` wrote of all journals; exit 2 for anything else.

    Exit 4 where the heads do not give their root, or a journal is missing: history of it would go unread.
    """
    try:
        journals = _FILE.validate_json(file.read_bytes())
    except OSError as error:
        end(Exit.USAGE, f"{file} cannot be read: {error.strerror}")
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        end(Exit.USAGE, f"{file} is not what `motcua verify publish` writes: {place}: {first['msg']}")
    if missing := [service for service in JOURNALS if service not in journals]:
        end(Exit.PROBLEMS_FOUND, f"{file} lacks the heads of {', '.join(missing)}: take a copy that nobody shortened")
    for service, journal in journals.items():
        given = root_of([(head.topic, head.subject, head.seq, bytes.fromhex(head.hash)) for head in journal.heads])
        if given != journal.root:
            end(Exit.PROBLEMS_FOUND, f"{file} was changed: its heads of {service} give the root {given}")
    return {
        service: JournalHeads(tuple((h.topic, h.subject, h.seq, h.hash) for h in journal.heads), journal.root)
        for service, journal in journals.items()
    }


def published(found: JournalHeads) -> Published:
    """Say the same as verification asks for it."""
    return {(topic, subject): (seq, bytes.fromhex(head)) for topic, subject, seq, head in found.heads}


def line_of(service: str, found: JournalHeads) -> str:
    """Say what one journal is, in one line that can be compared by eye with the board's and the mail's."""
    return f"{service:14}{len(found.heads):8} chains {facts_of(found):9} facts  {found.root}"


def facts_of(found: JournalHeads) -> int:
    """Count the facts of a journal."""
    return sum(seq for _, _, seq, _ in found.heads)


def roots_of(found: Mapping[str, JournalHeads], at: datetime) -> list[PublishedRoot]:
    """Say of each journal what the public is told."""
    return [PublishedRoot(at, service, len(of.heads), facts_of(of), of.root) for service, of in found.items()]


def letter(found: Mapping[str, JournalHeads], at: datetime, name: str, *, sender: str, to: str) -> EmailMessage:
    """Write the mail to the body that keeps the roots."""
    moment = at.astimezone(OFFICE_ZONE).isoformat(timespec="seconds")
    lines = "\n".join(line_of(service, of) for service, of in found.items())
    mail = EmailMessage(policy=SMTP_POLICY)
    mail["From"], mail["To"], mail["Subject"] = sender, to, f"Một Cửa: gốc băm lịch sử / roots of history, {moment}"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(
        f"Gốc băm của toàn bộ lịch sử hồ sơ, lấy lúc {moment}. Xin lưu thư này.\n"
        f"Roots over the whole history of dossiers, taken at {moment}. Please keep this mail.\n\n"
        f"{lines}\n\n"
        f"Kiểm tra / to verify: motcua verify history --heads {name}\n"
    )
    return mail


def send(mail: EmailMessage, server: str) -> None:
    """Hand a mail over to HOST:PORT, by STARTTLS where it is offered. Raises OSError (SMTPException is one)."""
    host, _, port = server.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=MAIL_SECONDS) as connection:
        connection.ehlo()
        if connection.has_extn("starttls"):
            connection.starttls()
        connection.send_message(mail)
