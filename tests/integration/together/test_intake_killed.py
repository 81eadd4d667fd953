"""Intake killed (-9) under load: what it acknowledged stands once in every service, with the numbers it was given."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta

from deploy.demo.ledger import Entry
from deploy.demo.people import person
from deploy.demo.plan import Arrival, YearRequest, plan_year
from deploy.demo.play import seed_rules
from tests.integration.together.everywhere import Everywhere, Seen, filed, grown
from tests.waiting import until

FILINGS, KILLED_AFTER, DESKS = 200, 50, 25
HOLD_RELAY = "update intake.relay_leases set holder = 'another', expires_at = clock_timestamp() + $1"
UNSENT = "select distinct subject from intake.unsent where subject like 'H56.%'"
NUMBERS = "select place, last_number from intake.day_numbers where day = $1"


class Load:
    """Every filing at once; each is repeated under its key until it is answered."""

    def __init__(self, everywhere: Everywhere, arrivals: Sequence[Arrival]) -> None:
        self.entries: list[Entry] = []
        self._everywhere = everywhere
        self._filings = [asyncio.create_task(self._file(arrival)) for arrival in arrivals]

    async def _file(self, arrival: Arrival) -> None:
        self.entries.append(await self._everywhere.stage.offices.file(arrival))

    async def answered(self, number: int) -> None:
        async def so_many() -> bool:
            return len(self.entries) >= number

        await until(so_many)

    async def all_answered(self) -> Seen:
        """Wait until nothing is repeated any more; answers what must stand where by then."""
        await asyncio.gather(*self._filings)
        expected = filed(*(entry.code for entry in self.entries), channels=("sms",))
        mailed = [entry.code for entry in self.entries if person(entry.arrival.number, "").email]
        expected["told"] |= filed(*mailed, channels=("mail",))["told"]
        return expected


async def kill_with_unsent_facts(everywhere: Everywhere, load: Load) -> set[str]:
    """Kill intake while the relay holds no lease; answers the dossiers whose facts nobody has published then."""
    await load.answered(KILLED_AFTER // 2)
    await everywhere.database.execute(HOLD_RELAY, timedelta(hours=1))
    try:
        await load.answered(KILLED_AFTER)
        victim = await everywhere.stack.kill("intake")
        unsent = {subject for (subject,) in await everywhere.database.fetch(UNSENT)}
    finally:
        await everywhere.database.execute(HOLD_RELAY, timedelta())
    await everywhere.stack.wait_ready("intake")
    assert everywhere.stack.pid("intake") != victim.pid
    return unsent


async def test_intake_killed_under_load_loses_nothing_and_doubles_nothing(everywhere: Everywhere) -> None:
    arrivals = plan_year(seed_rules(), YearRequest(FILINGS, open=0)).arrivals
    assert len({arrival.place.code for arrival in arrivals}) == DESKS
    before, numbers_before = await everywhere.look(), await numbers_given(everywhere)
    desks = everywhere.stage.callers["intake"]
    repeated_before = desks.repeated
    load = Load(everywhere, arrivals)
    unsent = await kill_with_unsent_facts(everywhere, load)
    expected = await load.all_answered()
    assert desks.repeated > repeated_before, "the kill struck nobody"
    assert unsent, "every fact was published before the kill"
    assert len(expected["dossiers"]) == FILINGS
    assert unsent <= expected["dossiers"].keys()
    assert grown(before, await everywhere.look()) == expected
    assert numbers_of(expected["dossiers"]) == {
        place: list(range(numbers_before.get(place, 0) + 1, last + 1))
        for place, last in (await numbers_given(everywhere)).items()
        if last != numbers_before.get(place)
    }


async def numbers_given(everywhere: Everywhere) -> dict[str, int]:
    """Place → the highest number that it has given today."""
    return dict(await everywhere.database.fetch(NUMBERS, everywhere.today()))


def numbers_of(codes: Iterable[str]) -> dict[str, list[int]]:
    """Place → the numbers of its dossiers, in order."""
    numbers = defaultdict(list)
    for code in codes:
        place, _, number = code.rsplit("-", 2)
        numbers[place].append(int(number))
    return {place: sorted(given) for place, given in numbers.items()}
