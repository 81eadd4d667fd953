"""What intake answers about dossiers to those who act on them at the place of reception."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from services.intake.api.answers import AnswerBody, PaperOfDossier
from services.intake.domain.acceptance import Acceptance
from services.intake.domain.filing import PaperHandedIn, People
from services.intake.handlers.deciding import Performed
from services.intake.handlers.filing import FiledUnder
from services.intake.handlers.reading import OpenRegistration
from services.intake.repository.registrations import WaitingRegistration
from shared.contracts.facts import Filer, State
from shared.rulebook.calendar import local
from shared.rulebook.catalogue import Case, Catalogue, Paper
from shared.rulebook.limits import appointed, as_appointed
from shared.rulebook.refusals import EVERY_REASON


class RefusalTold(AnswerBody):
    """Why a dossier was not taken in (Mẫu 03)."""

    code: str
    vi: str
    en: str

    @classmethod
    def of(cls, code: str | None) -> RefusalTold | None:
        """Put a reason's code into words; None where nothing was refused."""
        return None if code is None else cls(code=code, vi=EVERY_REASON[code].vi, en=EVERY_REASON[code].en)


class FiledDossier(AnswerBody):
    """The acknowledgement of a dossier that was registered (state 1) or refused at the desk (state 3)."""

    code: str
    state: State
    version: int
    received_by: str
    filed_at: datetime
    catalogue_version: str
    refusal: RefusalTold | None

    @classmethod
    def of(cls, found: FiledUnder) -> FiledDossier:
        """Acknowledge it under its code."""
        filed = found.filed
        return cls(
            code=str(found.code),
            state=filed.state,
            version=1,
            received_by=filed.place.code,
            filed_at=filed.at,
            catalogue_version=filed.rules.catalogue.version,
            refusal=RefusalTold.of(filed.reason),
        )


class Promise(AnswerBody):
    """What acceptance promised: who decides, and by when; not `appointed`: the due moments stand for none."""

    competent_agency: str
    accepted_at: datetime
    statutory_due: datetime
    promised_due: datetime
    appointed: bool

    @classmethod
    def of(cls, acceptance: Acceptance) -> Promise:
        """Say what the appointment slip (Mẫu 01) says about time."""
        return cls(
            competent_agency=acceptance.competent.code,
            accepted_at=acceptance.accepted_at,
            statutory_due=acceptance.statutory_due,
            promised_due=acceptance.promised_due,
            appointed=appointed(acceptance.promised_due),
        )


class ActOnRegistration(AnswerBody):
    """What an act left behind; `fact` is the type of the fact that it published. `accepted` where it accepted."""

    code: str
    state: State
    version: int
    fact: str
    papers_asked: list[PaperOfDossier]
    refusal: RefusalTold | None
    accepted: Promise | None
    withdrawal_requested_at: datetime | None

    @classmethod
    def of(cls, performed: Performed) -> ActOnRegistration:
        """Tell of an act that took effect."""
        after, acceptance = performed.decision.after, performed.decision.acceptance
        return cls(
            code=after.code,
            state=after.state,
            version=after.version,
            fact=performed.fact_type,
            papers_asked=_asked(after.case, after.papers_asked),
            refusal=RefusalTold.of(after.reason),
            accepted=None if acceptance is None else Promise.of(acceptance),
            withdrawal_requested_at=_shown(after.withdrawal_requested_at),
        )


class RegistrationOfIntake(AnswerBody):
    """A dossier as its place of reception knows it. From state 2 on `state` is what processing told last.

    The applicant himself is shown no people; to officers `people_erased` says that they were erased.
    """

    code: str
    state: State
    version: int
    procedure_code: str
    case_code: str
    name_vi: str
    name_en: str
    area_code: str
    received_by: str
    filed_by: Filer
    filed_at: datetime | None
    papers: list[PaperOfDossier]
    papers_asked: list[PaperOfDossier]
    refusal: RefusalTold | None
    accepted_at: datetime | None
    statutory_due: datetime | None
    promised_due: datetime | None
    withdrawal_requested_at: datetime | None
    closed_at: datetime | None
    language: str
    channels: list[str]
    catalogue_version: str
    people: People | None
    people_erased: bool

    @classmethod
    def of(cls, found: OpenRegistration, catalogue: Catalogue) -> RegistrationOfIntake:
        """Show a stored registration, with the names that its own catalogue version has."""
        stored = found.registration
        case = catalogue.case(stored.procedure_code, stored.case_code)
        return cls(
            code=stored.code,
            state=stored.state,
            version=stored.version,
            procedure_code=stored.procedure_code,
            case_code=stored.case_code,
            name_vi=case.name_vi,
            name_en=case.name_en,
            area_code=stored.area_code,
            received_by=stored.place,
            filed_by=Filer.DESK if stored.applicant_index is None else Filer.CITIZEN,
            filed_at=_shown(stored.filed_at),
            papers=_papers(case, stored.papers),
            papers_asked=_asked(case, stored.papers_asked),
            refusal=RefusalTold.of(stored.reason),
            accepted_at=_shown(stored.accepted_at),
            statutory_due=_shown(as_appointed(stored.statutory_due)),
            promised_due=_shown(as_appointed(stored.promised_due)),
            withdrawal_requested_at=_shown(stored.withdrawal_requested_at),
            closed_at=_shown(stored.closed_at),
            language=stored.language,
            channels=list(stored.channels),
            catalogue_version=stored.catalogue_version,
            people=found.people,
            people_erased=found.people_erased,
        )


class WaitingItem(AnswerBody):
    """A registration that waits for its place: `version` is what If-Match carries."""

    code: str
    version: int
    procedure_code: str
    case_code: str
    name_vi: str
    name_en: str
    filed_at: datetime
    papers_asked: list[str]

    @classmethod
    def of(cls, row: WaitingRegistration, catalogue: Catalogue) -> WaitingItem:
        """Show one line of the list."""
        case = catalogue.case(row.procedure_code, row.case_code)
        return cls(
            code=row.code,
            version=row.version,
            procedure_code=row.procedure_code,
            case_code=row.case_code,
            name_vi=case.name_vi,
            name_en=case.name_en,
            filed_at=local(row.filed_at),
            papers_asked=list(row.papers_asked),
        )


def _papers(case: Case, counted: Mapping[str, Paper | PaperHandedIn]) -> list[PaperOfDossier]:
    """Name papers as the pinned list has them, in its order."""
    return [
        PaperOfDossier(
            paper_code=listed.code,
            name_vi=listed.name_vi,
            name_en=listed.name_en,
            originals=paper.originals,
            certified=paper.certified,
            photocopies=paper.photocopies,
        )
        for listed in case.papers
        if (paper := counted.get(listed.code)) is not None
    ]


def _asked(case: Case, codes: Collection[str]) -> list[PaperOfDossier]:
    return _papers(case, {paper.code: paper for paper in case.papers if paper.code in codes})


def _shown(moment: datetime | None) -> datetime | None:
    return None if moment is None else local(moment)
