"""What applicants are shown of their own dossier."""

from __future__ import annotations

from datetime import datetime

from services.processing.api.views import View, as_view, shown
from services.processing.domain.cases import Case
from shared.rulebook.catalogue import Catalogue
from shared.rulebook.limits import appointed


class PublicStep(View):
    """A step as its applicant sees it: no officer, no agency's inner order."""

    step_no: int
    name_vi: str
    name_en: str
    status: str
    completed_at: datetime | None


class PublicHalt(View):
    """A pause as the applicant sees it: what is waited for, since when, and by when it has to come."""

    kind: str
    begins_at: datetime
    ends_at: datetime | None
    limit_at: datetime | None
    missing: list[str]
    amount_vnd: int | None


class TrackingView(View):
    """A dossier as its applicant sees it. While it is paused, `promised_due` is the date that was in force last.

    `deadline` is where it is explained day by day, under the same token.
    """

    code: str
    state: int
    procedure_vi: str
    procedure_en: str
    accepted_at: datetime
    promised_due: datetime
    appointed: bool
    reappointed_to: datetime | None
    finished_at: datetime | None
    handed_over_at: datetime | None
    corrected_at: datetime | None
    paused_since: datetime | None
    closed_at: datetime | None
    steps: list[PublicStep]
    halts: list[PublicHalt]
    deadline: str


class TrackingToken(View):
    """A bearer token for one dossier, for `expires_in` seconds."""

    token: str
    expires_in: int


def tracking_view(case: Case, catalogue: Catalogue) -> TrackingView:
    """Show a dossier to its applicant, in the words of the catalogue that it was accepted under."""
    kind = case.kind(catalogue)
    return TrackingView(
        code=case.code,
        state=case.state,
        procedure_vi=kind.name_vi,
        procedure_en=kind.name_en,
        accepted_at=case.accepted_at,
        promised_due=case.promised_due,
        appointed=appointed(case.promised_due),
        reappointed_to=shown(case.reappointed_to),
        finished_at=shown(case.finished_at),
        handed_over_at=shown(case.handed_over_at),
        corrected_at=shown(case.corrected_at),
        paused_since=shown(case.promised_paused_since),
        closed_at=shown(case.closed_at),
        halts=[as_view(PublicHalt, halt) for halt in case.halts],
        deadline=f"/v1/dossiers/{case.code}/deadline",
        steps=[
            PublicStep(
                step_no=step.no,
                name_vi=kind.step(step.no).name_vi,
                name_en=kind.step(step.no).name_en,
                status=step.status,
                completed_at=shown(step.completed_at),
            )
            for step in case.steps
        ],
    )
