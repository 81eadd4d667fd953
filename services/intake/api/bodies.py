"""What desks and citizens send: closed shapes with bounded texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from services.intake.domain.backdating import ReceivedEarlier
from services.intake.domain.filing import Applicant, Filing, PaperHandedIn
from services.intake.domain.registration import Act
from shared.contracts.facts import Channel, Evidence, Language
from shared.http.bodies import Code, Day, Line, LongText, Moment, RequestBody, read_body

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

    def handed_in(self) -> PaperHandedIn:
        """Make the domain's value of it."""
        return PaperHandedIn(self.paper_code, self.originals, self.certified, self.photocopies)


class ReceivedEarlierBody(RequestBody):
    """Tiếp nhận lùi thời điểm: received before it is recorded, as a leader approved it (C14)."""

    received_at: Moment = Field(description="When it was received; at most three working days ago.")
    approval: UUID = Field(description="Id of the leader's approval: `POST /v1/backdatings`.")

    def earlier(self) -> ReceivedEarlier:
        """Make the domain's value of it."""
        return ReceivedEarlier(self.received_at.replace(microsecond=0), str(self.approval))


class ApprovalBody(RequestBody):
    """Phê duyệt lùi thời điểm tiếp nhận: one filing at a place counts from an earlier moment (C14)."""

    place: Code = Field(description="The place of reception.", examples=["H56.97.21"])
    procedure_code: Code = Field(examples=["1.000656"])
    case_code: Code = Field(default="default")
    received_at: Moment = Field(description="When it was received; at most three working days ago.")
    evidence: Evidence
    evidence_no: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z./_-]{1,40}$")] = Field(
        description="Number of the document in the agency's files.", examples=["12/BB-2020"]
    )


class AnyFilingBody(RequestBody):
    """What is handed in, at a desk or online. All free texts are stored sealed."""

    procedure_code: Code = Field(examples=["1.000656"])
    case_code: Code = Field(default="default")
    area_code: Code = Field(description="Area code of the applicant's or the parcel's commune.", examples=["16093"])
    applicant: ApplicantBody
    content: LongText = ""
    note: LongText = ""
    language: Language = Language.VI
    channel_preferences: Annotated[list[Channel], Field(max_length=3)] | None = Field(
        default=None,
        description="How to tell the applicant; without it, by SMS and e-mail where there is an address. "
        "Zalo only where it is named. Empty: not at all.",
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
            papers=tuple(paper.handed_in() for paper in self.papers),
        )


class FilingBody(AnyFilingBody):
    """Hồ sơ nộp tại quầy: one dossier over the counter. All free texts are stored sealed."""

    backdating: ReceivedEarlierBody | None = Field(
        default=None, description="Only where it was received before it is recorded."
    )


class RegistrationBody(AnyFilingBody):
    """Hồ sơ nộp trực tuyến: `received_by` is the place of reception that it is sent to, a desk's own."""

    received_by: Code = Field(examples=["H56.97.21"])


class RefusalBody(AnyFilingBody):
    """Hồ sơ không được tiếp nhận tại quầy (Mẫu 03): what was handed in, and why it is refused."""

    reason: Code | None = Field(default=None, description="A reason of the closed list.", examples=["papers_missing"])


class EmptyBody(RequestBody):
    """An act that says nothing more."""


class AskedPaperBody(RequestBody):
    """A paper of the pinned list that is asked for, in the counts of the list."""

    paper_code: Code


class AskPapersBody(RequestBody):
    """Yêu cầu bổ sung giấy tờ (Mẫu 02), also for papers that came and cannot be used."""

    papers: Annotated[tuple[AskedPaperBody, ...], Field(max_length=100)] = ()


class SubmitPapersBody(RequestBody):
    """Papers that were asked for: how many of each are there now."""

    papers: Annotated[tuple[PaperBody, ...], Field(max_length=100)] = ()


class ReasonBody(RequestBody):
    """Why: a reason of the action's closed list."""

    reason: Code | None = None


ACT_BODIES: Mapping[str, type[RequestBody]] = {
    "ask_papers": AskPapersBody,
    "submit_papers": SubmitPapersBody,
    "accept": EmptyBody,
    "refuse": ReasonBody,
    "withdraw": EmptyBody,
    "request_withdrawal": EmptyBody,
}
"""Action → what its body may hold."""


def read_act(action: str, body: bytes) -> Act:
    """Read an act; an empty body is an empty object. Raises RequestValidationError."""
    said = read_body(ACT_BODIES[action], body)
    match said:
        case AskPapersBody():
            return Act(action, papers=tuple(PaperHandedIn(paper.paper_code, 0, 0, 0) for paper in said.papers))
        case SubmitPapersBody():
            return Act(action, papers=tuple(paper.handed_in() for paper in said.papers))
        case ReasonBody():
            return Act(action, reason=said.reason)
        case _:
            return Act(action)
