"""Facts of the year's mix, worked out by the product's own pure parts: what intake and processing say of each dossier.

Every dossier of the year's plan is accepted at its place and moment and walked through the whole workflow; its facts
have the bodies, headers and sequences that the services would give them. A dossier's facts lie some hundreds apart, as
on a topic that is read again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from uuid_utils.compat import uuid7

from deploy.demo.plan import Arrival, Rules, YearRequest, plan_year
from services.processing.domain import opening
from services.processing.domain.changing import Means
from services.processing.domain.duties import duties
from services.processing.domain.workflow import decide
from shared.contracts.facts import ContactStated, DossierAccepted, Fact
from shared.contracts.topics import PROMISED_DUE_HEADER, STATUTORY_DUE_HEADER
from shared.messaging.envelope import encode_headers
from shared.rulebook.calendar import ZONE
from shared.rulebook.catalogue import Case
from shared.rulebook.identifiers import DossierCode
from shared.rulebook.limits import due
from shared.rulebook.loader import load_seed, parse_agencies, parse_calendar, parse_catalogue
from shared.rulebook.steps import competent_agency
from tests.unit.processing.office import act_for, officer_for

FIRST_MOMENT = datetime(2020, 1, 2, 8, 0, tzinfo=ZONE)
APART = 25
"""So many dossiers later a dossier's next fact comes."""
FEWEST_OF_A_DOSSIER = 8
SEALED_BYTES = 150
"""About what a sealed contact holds."""


@dataclass(frozen=True, slots=True)
class YearFact:
    """One fact as its journal would hold it."""

    source: str
    subject: str
    seq: int
    fact: Fact
    legal_time: datetime
    headers: dict[str, str]

    def message(self) -> dict[str, Any]:
        """Make its Kafka message."""
        headers = encode_headers(
            fact_id=uuid7(),
            fact_type=self.fact.TYPE,
            source=self.source,
            subject=self.subject,
            legal_time=self.legal_time,
            partition_key=self.subject,
            seq=self.seq,
            trace_parent=trace_parent(),
            extra=self.headers,
        )
        return {"value": self.fact.model_dump_json().encode(), "key": self.subject.encode(), "headers": headers}


def trace_parent() -> str:
    """Make up a trace (W3C Trace Context): every fact of a running system has one."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


@cache
def published_rules() -> Rules:
    """Read the seed under the version ids that provision publishes."""
    seed = load_seed()
    versions = {kind: version for kind, version, _ in seed.versions()}
    return Rules(
        catalogue=parse_catalogue(versions["catalogue"], seed.catalogue),
        calendar=parse_calendar(versions["calendar"], seed.calendar),
        agencies=parse_agencies(versions["agencies"], seed.agencies),
    )


def whole_dossiers(facts: int) -> list[YearFact]:
    """Give so many facts of dossiers on their way from acceptance to hand-over, in the order of a year."""
    placed: list[tuple[int, int, YearFact]] = []
    for number, (arrival, code) in enumerate(arrivals(facts // FEWEST_OF_A_DOSSIER + 1)):
        for step, fact in enumerate(_history(arrival, code)):
            placed.append((number + step * APART, step, fact))
    placed.sort(key=lambda entry: entry[:2])
    return [fact for _, _, fact in placed[:facts]]


def accepted_dossiers(dossiers: int) -> list[YearFact]:
    """Give the first fact of so many dossiers."""
    return [accepted(arrival, code) for arrival, code in arrivals(dossiers)]


def arrivals(dossiers: int) -> Iterator[tuple[Arrival, str]]:
    """Yield a year's filings with the codes that intake would give them."""
    numbers: Counter[tuple[str, Any]] = Counter()
    for arrival in plan_year(published_rules(), YearRequest(dossiers, open=0, late=0)).arrivals:
        place_and_day = (arrival.place.code, arrival.moment.date())
        numbers[place_and_day] += 1
        yield arrival, str(DossierCode(*place_and_day, numbers[place_and_day]))


def accepted(arrival: Arrival, code: str) -> YearFact:
    """Say what intake says of a filing."""
    fact = _acceptance(arrival.case, arrival.place.code, arrival.area_code, arrival.moment)
    fact = fact.model_copy(update={"tracking_secret_hash": hashlib.sha256(code.encode()).hexdigest()})
    due_headers = {
        STATUTORY_DUE_HEADER: fact.statutory_due.isoformat(timespec="seconds"),
        PROMISED_DUE_HEADER: fact.promised_due.isoformat(timespec="seconds"),
    }
    return YearFact("intake", code, 1, fact, arrival.moment, due_headers)


def contact() -> ContactStated:
    """State a contact that nobody can read."""
    return ContactStated(language="vi", channels=("sms",), sealed=secrets.token_urlsafe(SEALED_BYTES))


def _acceptance(case: Case, place: str, area: str, moment: datetime) -> DossierAccepted:
    rules = published_rules()
    competent = competent_agency(case, place, area, rules.agencies, moment.date())
    return DossierAccepted(
        catalogue_version=rules.catalogue.version,
        calendar_version=rules.calendar.version,
        agencies_version=rules.agencies.version,
        procedure_code=case.procedure_code,
        case_code=case.case_code,
        field=case.field,
        received_by=place,
        received_path=rules.agencies.get(place).path,
        competent_agency=competent.code,
        competent_path=competent.path,
        area_code=area,
        limit_kind=case.limit_kind,
        statutory_due=due(rules.calendar, case.statutory_limit, moment),
        promised_due=due(rules.calendar, case.promised_limit, moment),
        tracking_secret_hash="0" * 64,
    )


def _history(arrival: Arrival, code: str) -> Iterator[YearFact]:
    yield accepted(arrival, code)
    acts = _acts(arrival.case.procedure_code, arrival.case.case_code, arrival.place.code, arrival.area_code)
    for seq, fact in enumerate(acts, 1):
        yield YearFact("processing", code, seq, fact, arrival.moment + timedelta(minutes=seq), {})


@cache
def _acts(procedure_code: str, case_code: str, place: str, area: str) -> Sequence[Fact]:
    """Walk one dossier of a kind to its end; the facts name no dossier, so that others of the kind have the same."""
    rules = published_rules()
    kind = rules.catalogue.case(procedure_code, case_code)
    pinned = opening.Rules(rules.catalogue, rules.calendar, rules.agencies)
    now = FIRST_MOMENT
    code = str(DossierCode(place, now.date(), 1))
    case = opening.open_case(code, _acceptance(kind, place, area, now), now, pinned).case
    found: list[Fact] = []
    while owed := duties(case):
        act, officer = act_for(owed[0], case), officer_for(owed[0])
        means = Means(rules.calendar, rules.agencies, rules.catalogue, next_number=1)
        decision = decide(case, act, officer, now, seen_version=case.version, means=means)
        found += [drafted.fact for drafted in decision.facts]
        case = decision.after
    return found
