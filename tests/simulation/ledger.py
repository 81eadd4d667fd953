"""What the clients of a seed know: what they asked for, under which key, and what they were answered."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.processing.domain.acts import Act, Officer
from shared.messaging.journal import Draft


@dataclass(kw_only=True)
class Request:
    """One request of a client, repeated under its key until it is answered or refused.

    `answers` holds every body of a success, `refusals` the code of every refusal: of two processes that are at the same
    request, each may say so.
    """

    key: str
    code: str
    answers: list[bytes] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether the client still waits for an answer."""
        return not self.answers and not self.refusals


@dataclass(kw_only=True)
class Filing(Request):
    """A dossier handed in: the facts that intake shall record, more than one where a poison is planted."""

    drafts: tuple[Draft, ...]

    @property
    def poisoned(self) -> bool:
        """Whether its second fact is one that no consumer can handle."""
        return len(self.drafts) > 1


@dataclass(kw_only=True)
class Wish(Request):
    """An act that an officer wants, on the version that he saw."""

    act: Act
    officer: Officer
    version: int


@dataclass
class Ledger:
    """All requests of a seed. It belongs to the clients: no crash of a service takes it away."""

    filings: list[Filing]
    acts_left: int
    wishes: list[Wish] = field(default_factory=list)

    def want(self, code: str, act: Act, officer: Officer, version: int) -> Wish:
        """Write down one more act that is wanted."""
        self.acts_left -= 1
        key = f"act-{len(self.wishes) + 1}"
        self.wishes.append(Wish(key=key, code=code, act=act, officer=officer, version=version))
        return self.wishes[-1]

    def open_filings(self) -> list[Filing]:
        """List the dossiers that are not acknowledged yet."""
        return [filing for filing in self.filings if filing.open]

    def open_wishes(self) -> list[Wish]:
        """List the acts that are not answered yet."""
        return [wish for wish in self.wishes if wish.open]

    def codes(self) -> list[str]:
        """List the dossiers that were acknowledged."""
        return [filing.code for filing in self.filings if filing.answers]
