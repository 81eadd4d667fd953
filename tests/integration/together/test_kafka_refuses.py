"""A service that Kafka refuses something waits, says why and what to do, and goes on by itself when it may again."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from deploy.local.services import SERVICES
from deploy.provision import broker
from deploy.provision.logins import make_logins
from deploy.provision.rights import RIGHTS, Operation, Resource, Right, allowed, take_away
from shared.contracts.topics import CONTACTS, LIFECYCLE, OUTCOMES, RULES
from tests.integration.intake.counter import Counter
from tests.integration.together.everywhere import Everywhere, filed, grown
from tests.waiting import until

READS = [
    allowed("intake", Operation.READ, Resource.TOPIC, LIFECYCLE.name),
    allowed("processing", Operation.READ, Resource.TOPIC, LIFECYCLE.name),
    allowed("notification", Operation.READ, Resource.TOPIC, CONTACTS.name),
    allowed("metrics", Operation.READ, Resource.TOPIC, OUTCOMES.name),
    allowed("metrics", Operation.READ, Resource.TOPIC, RULES.name),
    *(allowed(service, Operation.READ, Resource.GROUP, service) for service in SERVICES),
]
WRITES = [
    allowed("intake", Operation.WRITE, Resource.TOPIC, LIFECYCLE.name),
    allowed("intake", Operation.WRITE, Resource.TOPIC, CONTACTS.name),
    # the only topic that it writes: without it no producer of its own may even begin
    allowed("notification", Operation.WRITE, Resource.TOPIC, OUTCOMES.name),
]
REMEDY = "`motcua provision`"


def service_of(right: Right) -> str:
    return right.principal.removeprefix("User:")


def log_of(everywhere: Everywhere, service: str) -> str:
    return (everywhere.stack.folder.logs / f"{service}.log").read_text("utf-8")


@asynccontextmanager
async def without(everywhere: Everywhere, right: Right) -> AsyncIterator[None]:
    """Take a right away; whatever happens it is given back at the end."""
    assert right in RIGHTS
    async with broker.connected(everywhere.stack.kafka_login()) as reached:
        await take_away(reached, [right])
    try:
        yield
    finally:
        await everywhere.stack.provision()


async def waits(everywhere: Everywhere, service: str) -> bool:
    """Whether a service lives, is not ready, and says what to do."""
    url = everywhere.stack.urls[service]
    ready, alive = await everywhere.http.get(f"{url}/readyz"), await everywhere.http.get(f"{url}/livez")
    assert alive.status_code == 200, alive.text
    return ready.status_code == 503 and REMEDY in ready.text


async def ready(everywhere: Everywhere, service: str) -> bool:
    return (await everywhere.http.get(f"{everywhere.stack.urls[service]}/readyz")).status_code == 200


@pytest.mark.parametrize("right", READS, ids=str)
async def test_a_reader_without_its_right_pauses_and_goes_on_with_nothing_lost(
    everywhere: Everywhere, counter: Counter, right: Right
) -> None:
    service, before = service_of(right), await everywhere.look()
    process = everywhere.stack.pid(service)
    async with without(everywhere, right):
        await until(partial(waits, everywhere, service), f"{service} waits")
        code = str((await counter.hand_in(await counter.filing())).json()["code"])
        assert await waits(everywhere, service)
    await until(partial(ready, everywhere, service), f"{service} is ready")
    assert grown(before, await everywhere.look()) == filed(code)
    assert everywhere.stack.pid(service) == process


async def test_who_still_sees_his_topic_is_at_no_moment_ready_while_he_may_not_read_it(everywhere: Everywhere) -> None:
    """Processing writes the topic too: its group gives it partitions again and again, and the broker no record."""
    said = len(log_of(everywhere, "processing"))

    async def came_back() -> bool:
        return log_of(everywhere, "processing")[said:].count("partitions assigned") >= 3

    async with without(everywhere, allowed("processing", Operation.READ, Resource.TOPIC, LIFECYCLE.name)):
        await until(came_back)
        assert "consumer waits" in log_of(everywhere, "processing")[said:]
        assert "consumer goes on" not in log_of(everywhere, "processing")[said:]
    await until(partial(ready, everywhere, "processing"), "processing is ready")


@pytest.mark.parametrize("right", WRITES, ids=str)
async def test_a_writer_without_its_right_keeps_its_facts_and_publishes_them_later(
    everywhere: Everywhere, counter: Counter, right: Right
) -> None:
    service, before = service_of(right), await everywhere.look()
    process, said = everywhere.stack.pid(service), len(log_of(everywhere, service))

    async def told() -> bool:
        lines = log_of(everywhere, service)[said:].splitlines()
        return any("relay waits" in line and REMEDY in line for line in lines)

    async with without(everywhere, right):
        code = str((await counter.hand_in(await counter.filing())).json()["code"])
        await until(told, f"the relay of {service} says what it lacks")
        assert await counter.database.fetchval(f"select count(*) from {service}.unsent") > 0
    assert grown(before, await everywhere.look()) == filed(code)
    assert everywhere.stack.pid(service) == process


async def test_a_service_whose_password_kafka_does_not_know_waits_and_goes_on_when_it_does(
    everywhere: Everywhere, counter: Counter, tmp_path: Path
) -> None:
    """As after secrets were restored. The new password is in force without a restart of the service."""
    stack, before = everywhere.stack, await everywhere.look()
    process = stack.pid("metrics")
    (tmp_path / "other").write_text(secrets.token_urlsafe(24), "ascii")
    other = stack.kafka_login("metrics").model_copy(update={"password_file": tmp_path / "other"})
    try:
        async with broker.connected(stack.kafka_login()) as reached:
            assert await make_logins(reached, {"metrics": other}) == ["metrics"]
        await stack.kill("kafka")  # whoever is in stays in as long as his connection lasts
        await stack.wait_ready("kafka")
        await until(partial(waits, everywhere, "metrics"), "metrics waits")
        code = str((await counter.hand_in(await counter.filing())).json()["code"])
    finally:
        report = await stack.provision()
    assert report.logins == ["metrics"]
    await until(partial(ready, everywhere, "metrics"), "metrics is ready")
    assert grown(before, await everywhere.look()) == filed(code)
    assert stack.pid("metrics") == process
