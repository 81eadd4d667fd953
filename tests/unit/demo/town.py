"""A town hall in memory: intake's and processing's pure parts behind the driver's two doors, without a network."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from deploy.demo.calls import Refused
from deploy.demo.ledger import Entry
from deploy.demo.offices import Duty, Item, Officer, Outcome, Owed, act_body
from deploy.demo.plan import Arrival, Rules
from deploy.demo.play import BEGINS_AT
from deploy.demo.quiet import Figures
from services.processing.domain.acts import Act
from services.processing.domain.acts import Officer as Caller
from services.processing.domain.cases import Case
from services.processing.domain.changing import Means
from services.processing.domain.duties import Duty as OwedDuty
from services.processing.domain.duties import duties
from services.processing.domain.opening import Rules as PinnedRules
from services.processing.domain.opening import open_case
from services.processing.domain.refusals import StaleVersion
from services.processing.domain.timers import Timer, fire
from services.processing.domain.workflow import decide
from shared.contracts.facts import DossierAccepted, Handover, Receiver, State
from shared.contracts.topics import LIFECYCLE
from shared.rulebook.limits import due
from shared.rulebook.steps import competent_agency


class Town:
    """Everything that the driver may ask; `jitter` lets answers come in another order each time."""

    def __init__(self, rules: Rules, jitter: int) -> None:
        self.rules = rules
        self.now = BEGINS_AT
        self.cases: dict[str, Case] = {}
        self.facts: Counter[tuple[str, str, datetime]] = Counter()
        self.moments: list[datetime] = []
        self.requests: Counter[str] = Counter()
        self._running: dict[str, None] = {}
        self._timers: dict[str, list[Timer]] = {}
        self._numbers: Counter[tuple[str, str]] = Counter()
        self._chance = random.Random(jitter)

    def set_clock(self, moment: datetime) -> None:
        self.now = moment
        self.moments.append(moment)

    async def quiet(self) -> Figures:
        await asyncio.sleep(0)
        return Figures({"intake": {"journaled": {LIFECYCLE.name: len(self.cases)}}})

    async def cases_opened(self) -> None:
        await asyncio.sleep(0)

    async def timers_fired(self) -> None:
        for code in self._running:
            timers = self._timers[code]
            decision = fire(self.cases[code], timers, self.now)
            if decision.after.finished_at is None:
                self.cases[code] = decision.after
                self.facts.update((code, fact.fact.TYPE, fact.legal_time) for fact in decision.facts)
            self._timers[code] = [timer for timer in timers if timer.fires_at > self.now]

    async def file(self, arrival: Arrival) -> Entry:
        await self._delay("file")
        day = self.now.date()
        self._numbers[arrival.place.code, f"{day}"] += 1
        code = f"{arrival.place.code}-{day:%y%m%d}-{self._numbers[arrival.place.code, f'{day}']:04d}"
        accepted = self._accepted(arrival)
        opened = open_case(
            code,
            accepted,
            self.now,
            PinnedRules(self.rules.catalogue, self.rules.calendar, self.rules.agencies),
        )
        self.cases[code] = opened.case
        self._running[code] = None
        self._timers[code] = list(opened.timers)
        return Entry(code, "", accepted.statutory_due, accepted.promised_due, accepted.competent_agency, arrival)

    def _accepted(self, arrival: Arrival) -> DossierAccepted:
        case, agencies, day = arrival.case, self.rules.agencies, self.now.date()
        competent = competent_agency(case, arrival.place.code, arrival.area_code, agencies, day)
        return DossierAccepted(
            catalogue_version="seed",
            calendar_version="seed",
            agencies_version="seed",
            procedure_code=case.procedure_code,
            case_code=case.case_code,
            field=case.field,
            received_by=arrival.place.code,
            received_path=arrival.place.path,
            competent_agency=competent.code,
            competent_path=competent.path,
            area_code=arrival.area_code,
            limit_kind=case.limit_kind,
            statutory_due=due(self.rules.calendar, case.statutory_limit, self.now),
            promised_due=due(self.rules.calendar, case.promised_limit, self.now),
            tracking_secret_hash="00" * 32,
        )

    async def worklist(self, officer: Officer) -> list[Item]:
        await self._delay("worklist")
        items = []
        for code in [*self._running]:
            case = self.cases[code]
            owed = tuple(_duty(duty) for duty in duties(case) if Officer(duty.agency, duty.role.value) == officer)
            if owed:
                items.append(Item(case.code, case.state, case.version, case.promised_due, owed))
        return items

    async def act_on_all(self, officer: Officer, work: Sequence[Owed]) -> list[Outcome | Refused]:
        await self._delay("acts")
        assert {duty.officer for _, duty in work} == {officer}
        return [self._act(item, duty) for item, duty in work]

    def _act(self, item: Item, duty: Duty) -> Outcome | Refused:
        caller = Caller(duty.officer.subject, duty.officer.role, duty.officer.agency)
        body = act_body(duty)
        if duty.action == "hand_over":
            body |= {"receiver": Receiver(body["receiver"]), "handover": Handover(body["handover"])}
        means = Means(self.rules.calendar, self.rules.agencies, self.rules.catalogue, next_number=1)
        try:
            decision = decide(
                self.cases[item.code],
                Act(duty.action, **body),
                caller,
                self.now,
                seen_version=item.version,
                means=means,
            )
        except StaleVersion as stale:
            return Refused("act", 412, {"code": stale.code})
        self.cases[item.code] = decision.after
        if decision.after.state == State.HANDED_OVER:
            del self._running[item.code]
        self.facts.update((item.code, fact.fact.TYPE, fact.legal_time) for fact in decision.facts)
        owed = tuple(_duty(owed) for owed in duties(decision.after))
        return Outcome(decision.after.state, decision.after.version, owed)

    async def _delay(self, request: str) -> None:
        self.requests[request] += 1
        for _ in range(self._chance.randrange(4)):
            await asyncio.sleep(0)


def _duty(owed: OwedDuty) -> Duty:
    return Duty(
        Officer(owed.agency, owed.role.value),
        owed.step_no,
        owed.action,
        Officer(owed.step_agency, owed.step_role.value),
    )
