"""What an officer wants to do: the act, and who he is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.contracts.facts import Handover, Period, Receiver


@dataclass(frozen=True, slots=True)
class Officer:
    """Who acts: the subject, role and agency of a verified token; `stands_for` are absent, and he is their deputy."""

    subject: str
    role: str
    agency: str
    stands_for: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        """In whose names he may act: his own first."""
        return (self.subject, *sorted(self.stands_for))


@dataclass(frozen=True, slots=True)
class Act:
    """One act; each action reads its own fields.

    `other_communes` names who does the steps that it opens, where the catalogue leaves that open; `to_step` is the step
    that the dossier is sent back to; `reason` is one of the action's closed list; `papers` are asked for.
    """

    action: str
    step_no: int | None = None
    officer: str | None = None
    agency: str | None = None
    other_communes: tuple[str, ...] = ()
    receiver: Receiver | None = None
    handover: Handover | None = None
    reason: StrEnum | None = None
    reappointed_to: datetime | None = None
    to_step: int | None = None
    papers: tuple[str, ...] = ()
    amount_vnd: int | None = None
    period: Period | None = None
