"""Facts of due moments that move while a dossier is open."""

from __future__ import annotations

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
