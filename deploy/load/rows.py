"""The rows of loaded dossiers, table by table: what the services would have written of them."""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from deploy.demo.offices import Officer
from deploy.load.lives import Life
from services.intake.domain.attempts import channels_of, people_of
from services.intake.handlers.accepting import accepted_fact
from services.intake.handlers.following import HANDLERS as FOLLOWED
from services.intake.handlers.sealing import Applied, UnderSeal, seal_people
from services.intake.repository.following import OVER
from services.metrics.domain import figures
from services.metrics.domain.figures import Tally
from services.processing.domain.changing import Drafted
from services.processing.domain.duties import duties
from services.processing.handlers.drafting import drafts_of
from services.processing.repository.rows import CASE_FIELDS, duty_row
from shared.contracts.facts import ContactStated, ResultNumbered, StepFact
from shared.contracts.topics import CONTACTS, LIFECYCLE
from shared.messaging.chain import COLUMNS, GENESIS
from shared.messaging.journal import Draft, Heads, chained
from shared.rulebook.identifiers import DossierCode
from shared.sealing import KeyEncryptionKey

Row: TypeAlias = tuple[Any, ...]


class Table(NamedTuple):
    """A table, and the columns that a load fills; the others have their defaults."""

    schema: str
    name: str
    columns: tuple[str, ...]


Rows = Mapping[Table, list[Row]]
"""Rows by table, in an order that every foreign key and trigger takes."""

_OF_THE_PLACE = ("code", "place", "day", "number", "procedure_code", "case_code", "area_code")
_OF_THE_RULES = ("catalogue_version", "calendar_version", "agencies_version")
_OF_THE_WAY = ("received_path", "competent_agency", "competent_path", "step_paths", "accepted_by", "accepted_at")
_OF_THE_LIMITS = ("limit_kind", "statutory_due", "promised_due", "fee_vnd")
_OF_THE_PEOPLE = ("language", "channels", "key_id", "people", "citizen_index", "phone_index")
_OF_FOLLOWING = ("version", "processing_state", "closed_at")
DOSSIERS = Table(
    *("intake", "dossiers"),
    (*_OF_THE_PLACE, *_OF_THE_RULES, *_OF_THE_WAY, *_OF_THE_LIMITS, *_OF_THE_PEOPLE, *_OF_FOLLOWING),
)
PAPERS = Table("intake", "papers", ("code", "paper_code", "originals", "certified", "photocopies"))
KEYS = Table("keyring", "dossier_keys", ("code", "wrapped_key", "key_id", "created_at"))
CASES = Table("processing", "cases", (*CASE_FIELDS, "tracking_secret_hash", "parts"))
_STEP = ("step_no", "step_code", "move", "agency", "agency_path", "officer_role", "parallel_group", "status")
_STAY = ("holder", "taken", "opened_at", "completed_at", "period")
STEPS = Table("processing", "steps", ("code", *_STEP, *_STAY))
_DUTY = ("code", "promised_due", "step_no", "action", "agency", "role", "move", "step_agency", "step_role", "holder")
DUTIES = Table("processing", "duties", (*_DUTY, "taken", "step_code", "clock"))
TIMERS = Table("processing", "timers", ("code", "kind", "due_at", "fires_at"))
_MOMENTS = tuple(
    each.name for each in fields(figures.Dossier) if each.name not in {"reopenings", "repeated_supplements"}
)
COUNTED = Table("metrics", "dossiers", _MOMENTS)
SEEN = Table("notification", "dossiers", ("code", "received_path", "competent_path", "area_code"))
REACHED = Table("notification", "contacts", ("code", "language", "channels", "sealed"))
JOURNAL_COLUMNS = (*COLUMNS, "previous_hash", "hash")
JOURNALS = {name: Table(name, "journal", JOURNAL_COLUMNS) for name in ("intake", "processing")}
HEADS = {name: Table(name, "journal_heads", ("topic", "subject", "seq", "hash")) for name in ("intake", "processing")}
STREAMS = tuple(
    (reader, source, topic.name)
    for topic, sources in ((LIFECYCLE, ("intake", "processing")), (CONTACTS, ("intake",)))
    for reader in topic.readers
    for source in sources
    if reader != source
)
"""Who has applied whose facts of which topic: all that was told of a dossier, so that what comes next is the next."""
CURSORS = {
    reader: Table(reader, "cursors", ("subject", "source", "topic", "seq")) for reader, _, _ in dict.fromkeys(STREAMS)
}
TABLES = (
    *(DOSSIERS, PAPERS, KEYS, CASES, STEPS, DUTIES, TIMERS, COUNTED, SEEN, REACHED),
    *(*JOURNALS.values(), *HEADS.values(), *CURSORS.values()),
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """One dossier of a life: its code, its number in the register, and which of the made-up citizens hands it in."""

    code: DossierCode
    life: Life
    result_number: str | None
    citizen: int


@dataclass(frozen=True, slots=True)
class Recording:
    """How a load records: under which key, in which trace, at which machine moment."""

    kek: KeyEncryptionKey
    trace_parent: str
    at: datetime


def rows_of(dossiers: Sequence[Loaded], recording: Recording) -> Rows:
    """Write dossiers down as rows."""
    rows: dict[Table, list[Row]] = {table: [] for table in TABLES}
    for dossier in dossiers:
        for table, row in _rows_of(dossier, recording):
            rows[table].append(row)
    return rows


def counts_of(dossiers: Sequence[Loaded]) -> Counter[Tally]:
    """Say what dossiers add to the daily counters."""
    added: Counter[Tally] = Counter()
    for dossier in dossiers:
        added.update(figures.tallies(_moments(dossier.life)))
    return added


def _rows_of(dossier: Loaded, recording: Recording) -> Iterator[tuple[Table, Row]]:
    code, life = str(dossier.code), dossier.life
    filing = life.matter.filing(dossier.citizen)
    people = people_of(filing, dossier.code.day)
    channels = channels_of(filing, people.applicant)
    sealed = seal_people(
        recording.kek,
        code,
        Applied(filing, people, channels, life.acceptance.accepted_at, recording.trace_parent),
    )
    yield DOSSIERS, _dossier_row(dossier, sealed, (filing.language, channels))
    for paper in filing.papers:
        yield PAPERS, (code, paper.paper_code, paper.originals, paper.certified, paper.photocopies)
    yield KEYS, (*sealed.key, recording.kek.id, recording.at)
    yield from _case_rows(dossier, bytes.fromhex(sealed.secret_hash))
    yield COUNTED, _counted_row(dossier)
    yield SEEN, (code, life.acceptance.place.path, life.acceptance.competent.path, life.acceptance.area_code)
    yield REACHED, _contact_row(code, sealed.stated)
    yield from _told_rows(dossier, sealed, recording)


def _dossier_row(dossier: Loaded, sealed: UnderSeal, told_in: tuple[str, Sequence[str]]) -> Row:
    code, life, people = dossier.code, dossier.life, sealed.people
    acceptance = life.acceptance
    kind, rules, place = acceptance.case, acceptance.rules, acceptance.place
    return (
        *(str(code), code.place, code.day, code.number, kind.procedure_code, kind.case_code, acceptance.area_code),
        *(rules.catalogue.version, rules.calendar.version, rules.agencies.version),
        *(place.path, acceptance.competent.code, acceptance.competent.path, acceptance.step_paths),
        *(Officer(place.code, "desk").subject, acceptance.accepted_at),
        *(kind.limit_kind, acceptance.statutory_due, acceptance.promised_due, kind.fee_vnd),
        *(*told_in, people.key_id, people.people, people.citizen_index, people.phone_index),
        *_followed(life),
    )


@lru_cache(maxsize=1)
def _followed(life: Life) -> Row:
    """Say what intake notes of processing's facts: its version, the state told last, when it was over."""
    told = [each for each in life.facts if each.fact.TYPE in FOLLOWED]
    states = [(each.fact.state, each.legal_time) for each in told if isinstance(each.fact, StepFact)]
    over = [at for state, at in states if state in OVER]
    return 1 + len(states), states[-1][0], min(over, default=None)


def _case_rows(dossier: Loaded, secret_hash: bytes) -> Iterator[tuple[Table, Row]]:
    code, life = str(dossier.code), dossier.life
    case = replace(life.case, code=code, result_number=dossier.result_number)
    yield CASES, (*(getattr(case, name) for name in CASE_FIELDS), secret_hash, case.parts)
    for step in case.steps:
        yield (
            STEPS,
            (
                *(code, step.no, step.code, step.move, step.agency, step.agency_path, step.role, step.group),
                *(step.status, step.holder, step.taken, step.opened_at, step.completed_at, step.period),
            ),
        )
    for duty in duties(case):
        yield DUTIES, duty_row(case, duty)
    for timer in life.timers:
        yield TIMERS, (code, timer.kind, timer.due_at, timer.fires_at)


@lru_cache(maxsize=1)
def _moments(life: Life) -> figures.Dossier:
    """Fold a life's facts into the moments by which a dossier is judged."""
    dossier = figures.change(figures.Dossier(life.case.code), life.accepted, life.acceptance.accepted_at)
    for drafted in life.facts:
        if type(drafted.fact) in figures.CHANGES:
            dossier = figures.change(dossier, drafted.fact, drafted.legal_time)
    return dossier


def _counted_row(dossier: Loaded) -> Row:
    moments = replace(_moments(dossier.life), code=str(dossier.code))
    return tuple(getattr(moments, name) for name in _MOMENTS)


def _contact_row(code: str, stated: Draft) -> Row:
    fact = stated.fact
    if not isinstance(fact, ContactStated):
        raise TypeError(f"{fact.TYPE} states no contact")
    return code, fact.language, fact.channels, base64.b64decode(fact.sealed)


def _told_rows(dossier: Loaded, sealed: UnderSeal, recording: Recording) -> Iterator[tuple[Table, Row]]:
    code, life = str(dossier.code), dossier.life
    accepted = accepted_fact(code, life.acceptance, sealed.secret_hash, recording.trace_parent)
    drafts = {
        "intake": [accepted, sealed.stated],
        "processing": drafts_of(code, _numbered(dossier), recording.trace_parent),
    }
    heads: dict[str, Heads] = {name: defaultdict(lambda: (0, GENESIS)) for name in drafts}
    for source, told in drafts.items():
        for row in chained(source, told, heads[source], recording.at):
            yield JOURNALS[source], tuple(row[name] for name in JOURNAL_COLUMNS)
        for (topic, subject), head in heads[source].items():
            yield HEADS[source], (topic, subject, *head)
    for reader, source, topic in STREAMS:
        yield CURSORS[reader], (code, source, topic, heads[source][topic, code][0])


def _numbered(dossier: Loaded) -> list[Drafted]:
    """Give the facts of a life with the number of this dossier."""
    return [
        replace(each, fact=each.fact.model_copy(update={"result_number": dossier.result_number}))
        if isinstance(each.fact, ResultNumbered)
        else each
        for each in dossier.life.facts
    ]
