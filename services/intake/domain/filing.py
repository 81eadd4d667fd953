"""What is handed in at a desk: values only; people's data are normalised here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pydantic import BaseModel, ConfigDict

from shared.contracts.facts import Channel, Language


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who hands in, as the desk typed it."""

    name: str
    citizen_number: str
    birth_date: date | None
    address: str
    phone: str | None
    email: str | None


@dataclass(frozen=True, slots=True)
class PaperHandedIn:
    """How many copies of which kind of a paper were handed in."""

    paper_code: str
    originals: int
    certified: int
    photocopies: int


@dataclass(frozen=True, slots=True)
class Filing:
    """One dossier over the counter. `channels` is None when the applicant stated no preference."""

    procedure_code: str
    case_code: str
    area_code: str
    applicant: Applicant
    content: str
    note: str
    language: Language
    channels: tuple[Channel, ...] | None
    papers: tuple[PaperHandedIn, ...]


class Person(BaseModel):
    """An applicant as it is sealed: the citizen number valid, the phone in E.164."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    name: str
    citizen_number: str
    birth_date: date | None
    address: str
    phone: str | None
    email: str | None


class People(BaseModel):
    """Everything personal about a dossier and every free text: one document, sealed whole."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    applicant: Person
    content: str
    note: str
