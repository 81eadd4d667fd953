from __future__ import annotations

import asyncio

import pytest
import typer

from deploy.cli.outcome import Exit
from deploy.cli.readers import Place
from shared.contracts.facts import RulesPublished
from shared.messaging.faults import Unready
from shared.messaging.journal import Draft
from shared.messaging.rules import RuleStore
from shared.rulebook.loader import load_seed, version_id
from tests.integration.messaging.conftest import Servers
from tests.integration.messaging.house import MOMENT, House, create_topic, running
from tests.waiting import until


def published(topic: str, rule_set: str, version: str, content: dict[str, object]) -> Draft:
    rules = RulesPublished(rule_set=rule_set, version=version, content=content)
    return Draft(topic=topic, subject=rule_set, fact=rules, legal_time=MOMENT, partition_key=version)


async def test_rules_are_read_whole_from_the_beginning_and_then_followed(house: House) -> None:
    topic = f"{house.topic}.rules"
    await create_topic(house.kafka, topic, partitions=1, **{"cleanup.policy": "compact"})
    seed = load_seed()
    contents = {"catalogue": seed.catalogue, "calendar": seed.calendar, "agencies": seed.agencies}
    versions = {rule_set: version_id(rule_set, 1, content) for rule_set, content in contents.items()}
    store = RuleStore(house.kafka, topic, partitions=1)
    with pytest.raises(Unready):
        store.last_catalogue()
    async with running(house.relay()):
        await house.append(*(published(topic, one, versions[one], dict(contents[one])) for one in contents))

        async def sent() -> bool:
            return await house.count("unsent") == 0

        await until(sent)
        await asyncio.wait_for(store.load(), 60)
        assert store.catalogue(versions["catalogue"]).version == versions["catalogue"]
        assert store.current_calendar().version == versions["calendar"]
        assert store.current_agencies() is store.agencies(versions["agencies"])
        with pytest.raises(Unready, match="calendar-2"):
            store.calendar("calendar-2")
        async with running(store):
            await house.append(
                published(topic, "calendar", "calendar-broken", {}),
                published(topic, "no such set", "x-1", {}),
                published(topic, "calendar", "calendar-2", dict(contents["calendar"])),
            )

            async def followed() -> bool:
                return store.current_calendar().version == "calendar-2"

            await until(followed)
            assert store.pulse.health().ready
    assert store.calendar(versions["calendar"]).version == versions["calendar"]
    with pytest.raises(Unready):
        store.calendar("calendar-broken")


async def test_an_operator_who_comes_before_any_rules_is_told_so_once(
    servers: Servers, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """The topic is there and empty, as after a restore."""
    await servers.stack.provision()
    with pytest.raises(typer.Exit) as ended:
        await Place("processing", house.pool, house.kafka).rules()
    assert ended.value.exit_code == Exit.NOT_READY
    assert "`motcua republish` comes first" in capsys.readouterr().err
