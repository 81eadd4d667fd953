"""What desks send: closed shapes with bounded texts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from services.intake.domain.filing import Applicant, Filing, PaperHandedIn
from shared.contracts.facts import Channel, Language
from shared.http.bodies import Code, Day, Line, LongText, RequestBody

Digits = Annotated[str, StringConstraints(min_length=1, max_length=32)]
Email = Annotated[
    str, StringConstraints(max_length=254, pattern=r"^[\x21-\x3f\x41-\x7e]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")
]
"""ASCII only: mail servers take an address in other letters from nobody but those who speak SMTPUTF8."""
Count = Annotated[int, Field(strict=True, ge=0, le=1000)]


class ApplicantBody(RequestBody):
    """Người nộp hồ sơ: who hands in."""

    name: Line
    citizen_number: Digits = Field(description="Số định danh cá nhân: 12 digits.", examples=["038195012345"])
    birth_date: Day | None = None
    address: Line
    phone: Digits | None = Field(default=None, examples=["0912 345 678"])
    email: Email | None = None


class PaperBody(RequestBody):
    """Giấy tờ: one paper and how many of each kind came."""

    paper_code: Code
    originals: Count = 0
    certified: Count = 0
    photocopies: Count = 0


class FilingBody(RequestBody):
    """Hồ sơ nộp tại quầy: one dossier over the counter. All free texts are stored sealed."""

    procedure_code: Code = Field(examples=["1.000656"])
    case_code: Code = Field(default="default")
    area_code: Code = Field(description="Area code of the applicant's or the parcel's commune.", examples=["16093"])
    applicant: ApplicantBody
    content: LongText = ""
    note: LongText = ""
    language: Language = Language.VI
    channel_preferences: Annotated[list[Channel], Field(max_length=2)] | None = Field(
        default=None, description="How to tell the applicant; without it, by every address given. Empty: not at all."
    )
    papers: Annotated[list[PaperBody], Field(max_length=100)]

    def filing(self) -> Filing:
        """Make the domain's value of it."""
        who = self.applicant
        return Filing(
            procedure_code=self.procedure_code,
            case_code=self.case_code,
            area_code=self.area_code,
            applicant=Applicant(
                name=who.name,
                citizen_number=who.citizen_number,
                birth_date=who.birth_date,
                address=who.address,
                phone=who.phone,
                email=who.email,
            ),
            content=self.content,
            note=self.note,
            language=self.language,
            channels=None if self.channel_preferences is None else tuple(self.channel_preferences),
            papers=tuple(PaperHandedIn(p.paper_code, p.originals, p.certified, p.photocopies) for p in self.papers),
        )
