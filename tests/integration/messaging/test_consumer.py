from __future__ import annotations

import random
from collections.abc import Sequence

from shared.clocks import OFFICE_ZONE
from shared.contracts.facts import ResultReady, StepTaken
from shared.contracts.topics import PROMISED_DUE_HEADER, STATUTORY_DUE_HEADER
from shared.database import Connection, transaction
from shared.messaging.batch import Subscription
from shared.messaging.envelope import Received
from shared.messaging.parking import Kind, list_parked, show_parked
from shared.messaging.quiet import quiet_figures
from tests.integration.messaging.house import House, Sending, record_effects, running
from tests.waiting import until


async def test_what_the_journal_recorded_takes_effect_once_in_order_and_quiet_is_exact(house: House) -> None:
    for number in range(1, 6):
        await house.append(*(house.draft(f"D{subject}", number) for subject in range(40)))
    async with running(house.relay(), house.consumer()):
        await house.until_effects(200)
        async with transaction(house.pool) as tx:
            figures = await quiet_figures(tx)
    assert await house.effects() == {(f"D{subject}", "intake"): [1, 2, 3, 4, 5] for subject in range(40)}
    assert figures.journaled == {house.topic: 200}
    assert figures.applied == {f"intake/{house.topic}": 200}
    assert await house.count("unsent") == 0
    assert figures.parked == 0


async def test_what_a_handler_sees_is_what_was_drafted(house: House) -> None:
    seen: list[Received] = []

    async def handler(tx: Connection, facts: Sequence[Received]) -> None:
        seen.extend(facts)
        await record_effects(tx, facts)

    draft = house.draft(
        "A", 7, partition_key="elsewhere", headers={"motcua_x": "ỗ"}, trace_parent=f"00-{'a' * 32}-{'b' * 16}-01"
    )
    async with transaction(house.pool) as tx:
        [entry] = await house.journal.append(tx, [draft])
    async with running(house.relay(), house.consumer(subscription=house.subscription(handler))):
        await house.until_effects(1)
    [fact] = seen
    assert (fact.id, fact.source, fact.subject, fact.seq) == (entry.id, "intake", "A", 1)
    assert fact.fact_as(StepTaken) == draft.fact
    assert fact.legal_time == draft.legal_time
    assert fact.legal_time.tzinfo is OFFICE_ZONE
    assert fact.headers == {"motcua_x": "ỗ"}
    assert fact.trace_parent == draft.trace_parent


async def test_duplicates_are_dropped(house: House) -> None:
    facts = [Sending(subject, seq) for seq in (1, 2, 3) for subject in "ABC"]
    again = [fact for fact in facts for _ in range(3)]
    sent_again = 2 * len(again) + 2 * len(facts) - len(facts)
    assert house.outcomes("duplicate") == 0
    await house.publish(*again, *facts)
    async with running(house.consumer()):
        await house.publish(*again, Sending("last", 1))
        await house.until_effects(10)
        await house.publish(*facts, Sending("very last", 1))
        await house.until_effects(11)

        async def dropped() -> bool:
            return house.outcomes("duplicate") >= sent_again

        await until(dropped)
    assert house.outcomes("duplicate") == sent_again
    effects = await house.effects()
    assert all(effects[subject, "intake"] == [1, 2, 3] for subject in "ABC")
    assert await house.parked() == []


async def test_reordered_facts_take_effect_in_order(house: House) -> None:
    facts = [Sending(f"D{subject}", seq) for subject in range(20) for seq in range(1, 11)]
    random.Random(2).shuffle(facts)
    overtakes = sum(
        first.subject == second.subject and first.seq > second.seq
        for place, first in enumerate(facts)
        for second in facts[place:]
    )
    assert overtakes > 100
    async with running(house.consumer()):
        await house.publish(*facts[:25])

        async def gap_parked() -> bool:
            return house.outcomes(Kind.GAP.value) > 0

        await until(gap_parked)
        for start in range(25, len(facts), 25):
            await house.publish(*facts[start : start + 25])
        await house.until_effects(200)
    assert await house.effects() == {(f"D{subject}", "intake"): list(range(1, 11)) for subject in range(20)}
    assert await house.parked() == []


async def test_a_gap_waits_visibly_and_goes_on_by_itself(house: House) -> None:
    await house.publish(Sending("A", 1), Sending("A", 3), Sending("A", 4), Sending("A", 6), Sending("B", 1))
    async with running(house.consumer()):
        await house.until_effects(2)

        async def waiting() -> bool:
            return len(await house.parked()) == 3

        await until(waiting)
        assert await house.parked() == [("gap", "A", 3), ("gap", "A", 4), ("gap", "A", 6)]
        await house.publish(Sending("A", 1, source="processing"))
        await house.until_effects(3)  # another source's order is another matter
        await house.publish(Sending("A", 3), Sending("A", 2))
        await house.until_effects(6)
        assert await house.parked() == [("gap", "A", 6)]
        await house.publish(Sending("A", 5))
        await house.until_effects(8)
    assert (await house.effects())["A", "intake"] == [1, 2, 3, 4, 5, 6]
    assert await house.parked() == []


class Poisonous:
    """Raises for one fact, as a handler with a bug would, and counts."""

    def __init__(self, subject: str, seq: int) -> None:
        self.poison = (subject, seq)
        self.struck = 0

    async def __call__(self, tx: Connection, facts: Sequence[Received]) -> None:
        await record_effects(tx, facts)
        if self.poison in {(fact.subject, fact.seq) for fact in facts}:
            self.struck += 1
            raise LookupError("no such step")


async def test_poison_parks_its_dossier_and_all_that_follows_on_it_while_others_flow(house: House) -> None:
    poison = Poisonous("bad", 2)
    dues = {STATUTORY_DUE_HEADER: "2020-01-20T17:00:00+07:00", PROMISED_DUE_HEADER: "2020-01-10T17:00:00+07:00"}
    first = [Sending(f"D{number}", seq) for seq in (1, 2, 3) for number in range(60)]
    bad = [Sending("bad", 1), Sending("bad", 2, headers=dues), Sending("bad", 3)]
    await house.publish(*first[:90], *bad, *first[90:])
    async with running(house.consumer(subscription=house.subscription(poison))):
        await house.until_effects(181)
        assert poison.struck > 1  # in its batch, and then alone
        assert await house.parked() == [("poison", "bad", 2), ("behind", "bad", 3)]
        await house.publish(
            Sending("bad", 5), Sending("bad", 4), Sending("bad", 1, source="processing"), Sending("good", 1)
        )
        await house.until_effects(182)

        async def behind() -> bool:
            return len(await house.parked()) == 5

        await until(behind)
    effects = await house.effects()
    assert effects.pop(("bad", "intake")) == [1]
    assert effects.pop(("good", "intake")) == [1]
    assert effects == {(f"D{number}", "intake"): [1, 2, 3] for number in range(60)}
    async with transaction(house.pool) as tx:
        [row] = await list_parked(tx, kind=Kind.POISON)
        shown = await show_parked(tx, row.id)
        assert await list_parked(tx, after=row.id, subject="elsewhere") == []
        figures = await quiet_figures(tx)
    assert (row.subject, row.seq, row.type) == ("bad", 2, StepTaken.TYPE)
    assert row.reason == "LookupError: no such step"
    assert row.attempts == poison.struck
    assert row.promised_due is not None
    assert row.promised_due.isoformat().startswith("2020-01-10T10:00")
    assert shown is not None
    assert dict(shown.headers)["ce_subject"] == "bad"
    assert shown.value
    assert figures.parked == 5
    assert figures.held == {f"intake/{house.topic}": 4, f"processing/{house.topic}": 1}


async def test_a_gap_that_turns_out_to_be_poison_parks_its_dossier(house: House) -> None:
    poison = Poisonous("bad", 3)
    async with running(house.consumer(subscription=house.subscription(poison))):
        await house.publish(Sending("bad", 1), Sending("bad", 3), Sending("bad", 4), Sending("good", 1))
        await house.until_effects(2)
        await house.publish(Sending("bad", 2), Sending("good", 2))
        await house.until_effects(4)

        async def turned() -> bool:
            return ("poison", "bad", 3) in await house.parked()

        await until(turned)
    assert poison.struck
    assert (await house.effects())["bad", "intake"] == [1, 2]
    assert await house.parked() == [("poison", "bad", 3), ("gap", "bad", 4)]


async def test_an_unknown_type_and_a_body_that_does_not_fit_park_their_dossiers(house: House) -> None:
    secret = b'{"officer": "Nguyen Van A"}'
    await house.publish(
        Sending("new", 1, type="vn.motcua.dossier.teleported.v1"),
        Sending("unhandled", 1, type=ResultReady.TYPE),
        Sending("torn", 1, value=b"{"),
        Sending("unfit", 1, value=secret),
        Sending("unfit", 2),
        Sending("good", 1),
    )
    async with running(house.consumer()):
        await house.until_effects(1)

        await house.until_parked(5)
    assert await house.effects() == {("good", "intake"): [1]}
    kinds = {(subject, seq): kind for kind, subject, seq in await house.parked()}
    assert kinds.pop(("unfit", 2)) == "behind"
    assert set(kinds.values()) == {"poison"}
    reasons = [row["reason"] for row in await house.pool.fetch("select reason from parked")]
    assert not any("Nguyen" in reason for reason in reasons)


async def test_bytes_that_are_no_fact_park_under_their_place_and_the_flow_goes_on(house: House) -> None:
    places = [
        await house.publish_bytes(b"good", b"\x00\xff no fact", []),
        await house.publish_bytes(b"good", b"{}", [("ce_id", b"\xff\xfe"), ("x", b"\x00")]),
        await house.publish_bytes(b"good", b"{}", [("ce_id", b"no id"), ("ce_specversion", b"1.0")]),
    ]
    await house.publish(Sending("good", 1))
    async with running(house.consumer()):
        await house.until_effects(1)
    async with running(house.consumer()):
        await house.publish(Sending("good", 2))
        await house.until_effects(2)
    rows = await house.pool.fetch(
        'select partition, "offset", value from parked where kind = $1 order by id', "undecodable"
    )
    assert [(row["partition"], row["offset"]) for row in rows] == places
    assert rows[0]["value"] == b"\x00\xff no fact"
    async with transaction(house.pool) as tx:
        assert [row.kind for row in await list_parked(tx)] == [Kind.UNDECODABLE] * 3
        assert (await quiet_figures(tx)).held == {f"?/{house.topic}": 3}


async def test_bytes_of_several_partitions_park_each_under_its_own_place(house: House) -> None:
    """One batch holds records of all partitions, and the first of each has the same offset."""
    places = {await house.publish_bytes(f"key {number}".encode(), b"no fact", []) for number in range(5)}  # no epidemic
    assert len({partition for partition, _ in places}) > 1
    async with running(house.consumer()):
        await house.publish(Sending("good", 1))
        await house.until_effects(1)

        async def all_parked() -> bool:
            return await house.count("parked") == len(places)

        await until(all_parked)
    rows = await house.pool.fetch('select partition, "offset" from parked')
    assert {(row["partition"], row["offset"]) for row in rows} == places


async def test_an_ignored_type_moves_its_cursor_and_calls_nobody(house: House) -> None:
    subscription = Subscription(house.topic, {StepTaken.TYPE: record_effects}, ignored={ResultReady.TYPE: "no use"})
    await house.publish(Sending("A", 1, type=ResultReady.TYPE, value=b"not even read"), Sending("A", 2))
    async with running(house.consumer(subscription=subscription)):
        await house.until_effects(1)
    assert await house.effects() == {("A", "intake"): [2]}
    assert await house.pool.fetchval("select seq from cursors") == 2


async def test_own_facts_are_passed_over(house: House) -> None:
    subscription = Subscription(house.topic, {StepTaken.TYPE: record_effects}, own="processing")
    await house.publish(
        *(Sending("A", number, source="processing") for number in range(1, 6)),
        Sending("A", 6, source="processing", type="unheard of", value=b"not even read"),
        Sending("A", 1),
        Sending("A", 9, source="processing"),
        Sending("A", 2),
    )
    async with running(house.consumer(subscription=subscription)):
        await house.until_effects(2)
    assert await house.effects() == {("A", "intake"): [1, 2]}
    assert await house.pool.fetch("select source, seq from cursors") == [("intake", 2)]
    assert await house.parked() == []


async def test_on_a_compacted_topic_the_higher_sequence_wins(house: House) -> None:
    await house.publish(Sending("A", 3), Sending("A", 2), Sending("B", 1), Sending("A", 7), Sending("A", 3))
    async with running(house.consumer(subscription=house.subscription(compacted=True))):
        await house.until_effects(3)
        await house.publish(Sending("A", 6), Sending("B", 2))
        await house.until_effects(4)
    assert await house.effects() == {("A", "intake"): [3, 7], ("B", "intake"): [1, 2]}
    assert await house.parked() == []
