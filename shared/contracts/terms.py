"""What facts are made of: states, closed lists, and what every fact shares, or every one about a dossier or a step."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class State(IntEnum):
    """National state of a dossier (mã trạng thái hồ sơ)."""

    REGISTERED = 1
    ACCEPTED = 2
    REFUSED = 3
    PROCESSING = 4
    WAITING_FOR_PAPERS = 5
    WAITING_FOR_PAYMENT = 6
    WITHDRAWN = 7
    STOPPED = 8
    READY = 9
    HANDED_OVER = 10


class Handover(StrEnum):
    """How the result reaches its receiver."""

    DESK = "desk"
    POST = "post"
    ONLINE = "online"


class Receiver(StrEnum):
    """Who takes the result; a name never stands in a fact."""

    APPLICANT = "applicant"
    REPRESENTATIVE = "representative"


class Channel(StrEnum):
    """A way to reach a citizen."""

    SMS = "sms"
    EMAIL = "email"
    ZALO = "zalo"


class Language(StrEnum):
    """Language of notices."""

    VI = "vi"
    EN = "en"


class Fact(BaseModel):
    """What every fact shares: frozen, open to fields added later."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    TYPE: ClassVar[str]


class DossierFact(Fact):
    """A fact about one dossier; it names the versions of the rules that it was made under.

    Where a dossier has no appointment, `NO_APPOINTMENT` of the rulebook stands for each due moment (ADR 81).
    """

    catalogue_version: str
    calendar_version: str


class StepFact(DossierFact):
    """A fact about one step of a dossier, with the state that the act leaves behind."""

    state: State
    step_no: int
    agency: str
    officer: str
