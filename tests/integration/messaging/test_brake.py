"""The epidemic brake on real servers: so many dossiers fail, and no more; the consumer waits, alive, until it may."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from prometheus_client import REGISTRY

from shared.clocks import machine_now
from shared.database import Connection
from shared.messaging.brake import LEAST_IN_A_BATCH, REMEDY, WINDOW
from shared.messaging.consumer import Consumer
from shared.messaging.envelope import Received
from shared.messaging.faults import Cause
from tests.integration.messaging.house import QUICK, House, Sending, record_effects, running
from tests.waiting import until

MOST = 20


@dataclass
class Ward:
    """A consumer whose handler fails for each dossier in `bad`, and whose machine time the test moves."""

    house: House
    bad: set[str]
    began: datetime = field(default_factory=machine_now)
    ahead: timedelta = timedelta(0)
    struck: int = 0
    consumer: Consumer = field(init=False)

    def __post_init__(self) -> None:
        house, subscription = self.house, self.house.subscription(self.handle)
        self.consumer = Consumer(
            house.schema,
            [subscription],
            house.pool,
            house.kafka,
            machine_now=lambda: self.began + self.ahead,
            tuning=QUICK,
        )

    async def handle(self, tx: Connection, facts: Sequence[Received]) -> None:
        await record_effects(tx, facts)
        if self.bad & {fact.subject for fact in facts}:
            self.struck += 1
            raise LookupError("a bug that no dossier can help")

    @property
    def paused(self) -> float | None:
        labels = {"group": self.house.schema, "cause": Cause.EPIDEMIC.value}
        return REGISTRY.get_sample_value("motcua_consumer_paused", labels)

    async def braked(self, said: str = "more than ") -> None:
        async def waits() -> bool:
            return self.consumer.pulse.health().reason.startswith(f"handling: Epidemic: {said}")

        await until(waits)
        health = self.consumer.pulse.health()
        assert (health.alive, health.ready, self.paused) == (True, False, 1)
        assert health.reason.endswith(REMEDY)

    async def tried_again(self, times: int = 3) -> None:
        enough = self.struck + times

        async def struck() -> bool:
            return self.struck >= enough

        await until(struck)

    async def goes_on(self) -> None:
        async def ready() -> bool:
            return self.consumer.pulse.health().ready

        await until(ready)
        assert self.paused == 0


async def test_a_batch_full_of_poison_is_not_parked_and_goes_on_when_it_is_mended(house: House) -> None:
    bad = [f"bad {number}" for number in range(60)]
    ward = Ward(house, set(bad))
    await house.publish(*(Sending(subject, 1) for number in range(60) for subject in (f"good {number}", bad[number])))
    async with running(ward.consumer):
        await ward.braked()
        parked = await house.parked()
        assert LEAST_IN_A_BATCH <= len(parked) <= MOST
        assert {kind for kind, _, _ in parked} == {"poison"}
        await ward.tried_again()
        await ward.braked()
        assert await house.parked() == parked
        ward.bad.clear()
        await house.until_effects(120 - len(parked))
        await ward.goes_on()
    assert await house.parked() == parked
    assert await house.effects() == {
        (subject, "intake"): [1]
        for subject in {f"good {number}" for number in range(60)} | set(bad) - {subject for _, subject, _ in parked}
    }


async def test_one_by_one_twenty_dossiers_are_parked_in_five_minutes_and_the_next_when_they_have_passed(
    house: House,
) -> None:
    ward = Ward(house, {f"bad {number}" for number in range(MOST + 1)})
    async with running(ward.consumer):
        for number in range(MOST):
            await house.publish(Sending(f"bad {number}", 1))
            await house.until_parked(number + 1)
            await ward.goes_on()
        await house.publish(Sending("bad 20", 1))
        await ward.braked("more than 20 dossiers parked within 5 minutes")
        await ward.tried_again()
        await house.until_parked(MOST)
    again = Ward(house, ward.bad, ward.began)
    async with running(again.consumer):
        await again.braked("more than 20 dossiers parked within 5 minutes")  # who starts anew remembers
        again.ahead = WINDOW - timedelta(minutes=1)
        await again.tried_again()
        await house.until_parked(MOST)
        again.ahead = WINDOW + timedelta(seconds=1)
        await house.until_parked(MOST + 1)
        await again.goes_on()
        await house.publish(Sending("good", 1))
        await house.until_effects(1)


async def test_the_brake_opens_when_what_was_parked_is_gone(house: House) -> None:
    ward = Ward(house, {f"bad {number}" for number in range(MOST + 1)})
    async with running(ward.consumer):
        for number in range(MOST + 1):
            await house.publish(Sending(f"bad {number}", 1))
            await house.until_parked(min(number + 1, MOST))
        await ward.braked()
        assert ward.struck > MOST
        await house.pool.execute("delete from parked where subject = 'bad 0'")
        await house.until_parked(MOST)
        await ward.goes_on()
    assert ("poison", "bad 20", 1) in await house.parked()


async def test_bytes_that_are_no_facts_are_an_epidemic_too(house: House) -> None:
    ward = Ward(house, set())
    for number in range(30):
        await house.publish_bytes(b"%d" % number, b"no fact", [])
    await house.publish(*(Sending(f"good {number}", 1) for number in range(30)))
    async with running(ward.consumer):
        await ward.braked()
        assert LEAST_IN_A_BATCH <= await house.count("parked") <= MOST

        async def all_parked() -> bool:
            ward.ahead += WINDOW
            return await house.count("parked") == 30

        await until(all_parked)
        await house.until_effects(30)
        await ward.goes_on()
