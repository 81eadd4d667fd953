"""What metrics does with facts: load, decide, save."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial

from services.metrics import repository
from services.metrics.domain import figures
from services.metrics.domain.figures import Dossier, NoticeTally, Tally
from services.metrics.domain.sorting import sort_key
from shared.contracts import facts, topics
from shared.database import Connection
from shared.messaging.batch import Handler, Subscription
from shared.messaging.envelope import Received
from shared.messaging.rules import RuleStore
from shared.rulebook.agencies import Agencies
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
