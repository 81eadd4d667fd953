"""What metrics does with facts, and what it answers: load, decide, save."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache, partial
from http import HTTPStatus

from services.metrics import repository
from services.metrics.domain import figures
from services.metrics.domain.figures import Dossier, NoticeTally, Tally
from services.metrics.domain.report import Period, Report, ReportedAgency, assemble
from services.metrics.domain.sorting import sort_key
from shared.clocks import LegalClock
from shared.contracts import facts, topics
from shared.database import Connection, Pool, autocommit, transaction
from shared.http.problems import FieldError, Problem
from shared.messaging.batch import Handler, Subscription
from shared.messaging.envelope import Received
from shared.messaging.publications import JOURNALS, PublishedRoot, published_roots
from shared.messaging.rules import RuleStore
from shared.rulebook.agencies import Agencies, UnknownAgency
from shared.rulebook.identifiers import DossierCode


async def count_dossiers(tx: Connection, wave: Sequence[Received]) -> None:
    """Fold facts into the moments of their dossiers and add what follows to the counters."""
    known = await repository.load_dossiers(tx, [received.subject for received in wave])
    changed: list[Dossier] = []
    added: Counter[Tally] = Counter()
    for received in wave:
        before = known.get(received.subject, Dossier(received.subject))
        after = figures.change(before, received.fact_as(facts.Fact), received.legal_time)
        changed.append(after)
        added.update(figures.difference(before, after))
    await repository.save_dossiers(tx, changed)
    await repository.save_reopenings(tx, changed)
    await repository.save_repeated_supplements(tx, changed)
    await repository.add_counts(tx, added)


async def on_accepted(rules: RuleStore, tx: Connection, wave: Sequence[Received]) -> None:
    """Count received dossiers; their places are kept under the agencies version that the fact names."""
    for version in sorted({received.fact_as(facts.DossierAccepted).agencies_version for received in wave}):
        await keep_places(tx, rules.agencies(version))
    await count_dossiers(tx, wave)


async def on_reissued(rules: RuleStore, tx: Connection, wave: Sequence[Received]) -> None:
    """Judge by the dates of another calendar, once it is here. Raises Unready."""
    for version in {received.fact_as(facts.DeadlineReissued).calendar_version for received in wave}:
        rules.calendar(version)
    await count_dossiers(tx, wave)


async def keep_places(tx: Connection, agencies: Agencies) -> None:
    """Keep the agencies of a version with their sort keys, once."""
    await repository.save_places(tx, agencies.version, agencies.agencies, *_sorted_places(agencies))


@lru_cache(maxsize=4)
def _sorted_places(agencies: Agencies) -> tuple[Mapping[str, str], set[str]]:
    """Work out sort keys and places of reception, by code; once for each version, for every batch asks."""
    every = agencies.agencies
    keys = {agency.code: sort_key(agency.name_vi) for agency in every}
    return keys, {place.code for agency in every for place in agencies.places_of_reception(agency.valid_from)}


async def count_notices(tx: Connection, wave: Sequence[Received]) -> None:
    """Count what became of messages, at the place of reception that the dossier's code names."""
    added: Counter[NoticeTally] = Counter()
    for received in wave:
        fact = received.fact_as(facts.NoticeFact)
        place = DossierCode.parse(received.subject).place
        day = figures.legal_day(received.legal_time)
        added[NoticeTally(day, place, fact.channel, figures.NOTICE_OUTCOMES[type(fact)])] += 1
    await repository.add_notices(tx, added)


MOVES_NO_FIGURE: Mapping[str, str] = {
    facts.DossierRegistered.TYPE: "received is who was accepted (C15)",
    facts.DossierRefused.TYPE: "refused in state 1 counts nowhere (C15)",
    facts.PapersRequested.TYPE: "asked before acceptance: counts nowhere (C15)",
    facts.PapersReceived.TYPE: "papers that arrived: no published figure",
    facts.RegistrationWithdrawn.TYPE: "withdrawn in state 1 counts nowhere (C15)",
    facts.WithdrawalRequested.TYPE: "it is in progress until an officer closes it (C15)",
    facts.DossierAssigned.TYPE: "an officer was named: no published figure",
    facts.StepTaken.TYPE: "a step was taken: no published figure",
    facts.StepCompleted.TYPE: "a step was completed: no published figure",
    facts.ResultSigned.TYPE: "lateness is judged when the result is ready (C11)",
    facts.ResultNumbered.TYPE: "lateness is judged when the result is ready (C11)",
    facts.ResultHandedOver.TYPE: "resolved when the result was ready (C11)",
    facts.StepReturned.TYPE: "a step goes on: no published figure",
    facts.StepRecalled.TYPE: "a step goes on: no published figure",
    facts.DossierReassigned.TYPE: "an officer was named: no published figure",
    facts.AgencyAsked.TYPE: "beside the flow: no published figure",
    facts.AgencyAnswered.TYPE: "beside the flow: no published figure",
    facts.SignatureVoided.TYPE: "lateness is judged when the result is ready (C11)",
    facts.ResultCorrected.TYPE: "resolved when the result was ready (C11)",
    facts.HalfTimeReached.TYPE: "a warning to officers: no published figure",
    facts.ApologyDrafted.TYPE: "only an apology that was sent is published",
    facts.SupplementProposed.TYPE: "a leader decides: only what is asked for again is counted",
    facts.SupplementLimitReached.TYPE: "the applicant's own limit: no published figure",
    facts.PaymentLimitReached.TYPE: "the applicant's own limit: no published figure",
    facts.LimitReissued.TYPE: "the applicant's own limit: no published figure",
}
"""Fact types of the lifecycle that change no counter, each with the reason."""


def subscriptions(rules: RuleStore) -> tuple[Subscription, ...]:
    """List which fact goes to which function."""
    lifecycle: dict[str, Handler] = {
        **{fact.TYPE: count_dossiers for fact in figures.CHANGES},
        facts.DossierAccepted.TYPE: partial(on_accepted, rules),
        facts.DeadlineReissued.TYPE: partial(on_reissued, rules),
    }
    outcomes: dict[str, Handler] = {fact.TYPE: count_notices for fact in figures.NOTICE_OUTCOMES}
    return (
        Subscription(topics.LIFECYCLE.name, compacted=False, handlers=lifecycle, ignored=MOVES_NO_FIGURE),
        Subscription(topics.OUTCOMES.name, compacted=False, handlers=outcomes, ignored={}),
    )


class Reporting:
    """Answers for figures of any agency and period."""

    def __init__(self, pool: Pool, rules: RuleStore, clock: LegalClock) -> None:
        self._pool = pool
        self._rules = rules
        self._clock = clock

    async def district(self, code: str, first: date | None, last: date | None) -> Report:
        """Report on an agency and everything under its path, from 1 January to the legal today unless said otherwise.

        Raises Problem: `agency_unknown` (404), `period_reversed` (422).
        """
        now = self._clock.now()
        last = last or now.date()
        period = Period(first or date(last.year, 1, 1), last)
        if period.first > period.last:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "period_reversed",
                "The first day lies after the last.",
                [FieldError("/query/from", "period_reversed", "A period begins no later than it ends.")],
            )
        agency = self._agency(code)
        as_of = period.as_of(now)
        async with transaction(self._pool) as tx:
            counted = await repository.count(tx, agency.path, period, as_of)
        return assemble(agency, period, as_of, counted, versions=self._versions())

    async def latest_roots(self) -> list[PublishedRoot]:
        """Read the roots that were published last; none where nothing was."""
        async with autocommit(self._pool) as database:
            found = [root for _, root in await published_roots(database, None, len(JOURNALS))]
        return [root for root in found if root.published_at == found[0].published_at]

    def _agency(self, code: str) -> ReportedAgency:
        try:
            agency = self._rules.current_agencies().get(code)
        except UnknownAgency as error:
            raise Problem(HTTPStatus.NOT_FOUND, "agency_unknown", "No agency has this code.") from error
        return ReportedAgency(code=agency.code, name_vi=agency.name_vi, name_en=agency.name_en, path=agency.path)

    def _versions(self) -> dict[str, str]:
        return {
            "catalogue": self._rules.catalogue_on(self._clock.now().date()).version,
            "calendar": self._rules.current_calendar().version,
            "agencies": self._rules.current_agencies().version,
        }
