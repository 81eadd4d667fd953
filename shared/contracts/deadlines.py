"""Facts of due moments and limits: that they move while a dossier is open, and that they come (C11–C13)."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime

from shared.contracts.terms import DossierFact, State


class DeadlineReissued(DossierFact):
    """Hẹn lại do đổi lịch làm việc: a signed-off calendar version moves a due moment, never to an earlier one (C11).

    `calendar_version` is the one by which both moments are reckoned from now on. Legal time is that of its publication.
    """

    TYPE: ClassVar[str] = "vn.motcua.dossier.deadline_reissued.v1"

    state: State
    statutory_due: AwareDatetime
    promised_due: AwareDatetime
    previous_statutory_due: AwareDatetime
    previous_promised_due: AwareDatetime
    previous_calendar_version: str


class OwnLimit(StrEnum):
    """What a limit of the applicant's own is for (C13)."""

    SUPPLEMENT = "supplement"
    PAYMENT = "payment"


class LimitReissued(DossierFact):
    """Dời hạn của người nộp do đổi lịch làm việc: the applicant has longer than he was told, never less (C13).

    For what was asked or demanded at `since`: until `limit_at`, by `calendar_version`. Legal time is that of its
    publication. No due moment moves: while papers or money are waited for there is none.
    """

    TYPE: ClassVar[str] = "vn.motcua.dossier.limit_reissued.v1"

    state: State
    limit: OwnLimit
    since: AwareDatetime
    limit_at: AwareDatetime
    previous_limit_at: AwareDatetime


class TimerFact(DossierFact):
    """A fact that the legal clock made; its legal time is the timer's due moment."""

    state: State
    promised_due: AwareDatetime


class HalfTimeReached(TimerFact):
    """Half of the promised working time is used (C12)."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.half_time_reached.v1"


class ApologyDrafted(TimerFact):
    """The draft of an apology opened for the leader (C12)."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.apology_drafted.v1"


class BecameOverdue(TimerFact):
    """The promised due moment passed without a result (C11)."""

    TYPE: ClassVar[str] = "vn.motcua.dossier.became_overdue.v1"
