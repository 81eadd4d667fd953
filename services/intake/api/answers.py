"""What intake answers. Moments are RFC 3339 in the office's zone; fees in VND."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from services.intake.domain.acceptance import Acceptance
from services.intake.domain.filing import People
from services.intake.repository.dossiers import StoredDossier
from shared.clocks import OFFICE_ZONE
from shared.contracts.facts import Backdating, Evidence, State
from shared.rulebook.catalogue import Catalogue


class AnswerBody(BaseModel):
    """What every answer shares."""

    model_config = ConfigDict(frozen=True)


class BackdatingTold(AnswerBody):
    """Accepted before it was recorded (C14): on what evidence, and which leader of which agency approved it."""

    recorded_at: datetime
    evidence: Evidence
    approved_by: str
    approving_agency: str

    @classmethod
    def of(cls, found: Backdating | None) -> BackdatingTold | None:
        """Show it where there is any."""
        return None if found is None else cls(**found.model_dump())


class AcceptedDossier(AnswerBody):
    """The acknowledgement of an accepted dossier: what the appointment slip (Mẫu 01) says about time and money."""

    code: str
    state: State
    received_by: str
    competent_agency: str
    accepted_at: datetime
    statutory_due: datetime
    promised_due: datetime
    limit_kind: str
    fee_vnd: int
    catalogue_version: str
    calendar_version: str
    backdating: BackdatingTold | None = None

    @classmethod
    def of(cls, code: str, acceptance: Acceptance) -> AcceptedDossier:
        """Acknowledge an acceptance under its code."""
        return cls(
            code=code,
            state=State.ACCEPTED,
            received_by=acceptance.place.code,
            competent_agency=acceptance.competent.code,
            accepted_at=acceptance.accepted_at,
            statutory_due=acceptance.statutory_due,
            promised_due=acceptance.promised_due,
            limit_kind=acceptance.case.limit_kind,
            fee_vnd=acceptance.case.fee_vnd,
            catalogue_version=acceptance.rules.catalogue.version,
            calendar_version=acceptance.rules.calendar.version,
            backdating=BackdatingTold.of(acceptance.backdating),
        )


class PaperOfDossier(AnswerBody):
    """A paper of a dossier by the names of its list; the counts say how many came, or are asked for."""

    paper_code: str
    name_vi: str
    name_en: str
    originals: int
    certified: int
    photocopies: int


class DossierOfIntake(AnswerBody):
    """A dossier as it was taken in. Its state is processing's to tell.

    `people` is null and `people_erased` true when the people of the dossier were erased.
    """

    code: str
    procedure_code: str
    case_code: str
    name_vi: str
    name_en: str
    area_code: str
    received_by: str
    competent_agency: str
    accepted_at: datetime
    statutory_due: datetime
    promised_due: datetime
    limit_kind: str
    fee_vnd: int
    language: str
    channels: list[str]
    catalogue_version: str
    calendar_version: str
    agencies_version: str
    closed_at: datetime | None
    papers: list[PaperOfDossier]
    people: People | None
    people_erased: bool

    @classmethod
    def of(cls, stored: StoredDossier, people: People | None, catalogue: Catalogue) -> DossierOfIntake:
        """Show a stored dossier, with the names that its own catalogue version has."""
        case = catalogue.case(stored.procedure_code, stored.case_code)
        names = {paper.code: paper for paper in case.papers}
        return cls(
            code=stored.code,
            procedure_code=stored.procedure_code,
            case_code=stored.case_code,
            name_vi=case.name_vi,
            name_en=case.name_en,
            area_code=stored.area_code,
            received_by=stored.place,
            competent_agency=stored.competent_agency,
            accepted_at=stored.accepted_at.astimezone(OFFICE_ZONE),
            statutory_due=stored.statutory_due.astimezone(OFFICE_ZONE),
            promised_due=stored.promised_due.astimezone(OFFICE_ZONE),
            limit_kind=stored.limit_kind,
            fee_vnd=stored.fee_vnd,
            language=stored.language,
            channels=list(stored.channels),
            catalogue_version=stored.catalogue_version,
            calendar_version=stored.calendar_version,
            agencies_version=stored.agencies_version,
            closed_at=stored.closed_at.astimezone(OFFICE_ZONE) if stored.closed_at else None,
            papers=[
                PaperOfDossier(**p, name_vi=names[p["paper_code"]].name_vi, name_en=names[p["paper_code"]].name_en)
                for p in stored.papers
            ],
            people=people,
            people_erased=people is None,
        )


class SeeRegistration(AnswerBody):
    """Where a dossier stands that is not accepted, and all that a citizen registered himself."""

    location: str


class PeopleOfDossier(AnswerBody):
    """The people of one dossier, for another service."""

    code: str
    people: People | None
    people_erased: bool


class PaperAsked(AnswerBody):
    """A paper of a case's list."""

    paper_code: str
    name_vi: str
    name_en: str
    originals: int
    certified: int
    photocopies: int
    required: bool


class ProcedureCase(AnswerBody):
    """One case with what an applicant needs to know; `statutory` and `promised` count in `limit_kind`.

    Filed online it has `statutory_online` and `promised_online`; null is as at the desk.
    """

    procedure_code: str
    case_code: str
    name_vi: str
    name_en: str
    case_name_vi: str
    case_name_en: str
    field: str
    field_vi: str
    limit_kind: str
    statutory: int | None
    promised: int | None
    cut_off: str | None
    fee_vnd: int
    fee_unit: str
    online_offered: bool
    statutory_online: int | None
    promised_online: int | None
    received_by: list[str]
    papers: list[PaperAsked]


class Procedures(AnswerBody):
    """The cases in force on a day."""

    on: str
    catalogue_version: str
    items: list[ProcedureCase]


class AgencyEntry(AnswerBody):
    """An agency in force. `receives`: dossiers are handed in there."""

    code: str
    area_code: str | None
    name_vi: str
    name_en: str
    kind: str
    role: str
    parent_code: str | None
    path: str
    receives: bool


class AgencyList(AnswerBody):
    """The agencies in force on a day."""

    on: str
    agencies_version: str
    items: list[AgencyEntry]
