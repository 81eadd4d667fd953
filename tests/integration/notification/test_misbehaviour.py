"""Gateways that withhold, refuse, reject or are away, and a sender that is killed."""

from __future__ import annotations

import signal
from datetime import datetime

import asyncpg

from deploy.local.sinks.logbook import Kind
from services.notification.handlers.outcomes import message_id
from shared.contracts.facts import Channel
from tests.integration.notification.house import LEASE_SECONDS, House, Person
from tests.waiting import until

BOTH = (Channel.SMS, Channel.EMAIL)
LONG = {"MOTCUA_SMS__TIMEOUT_SECONDS": "4", LEASE_SECONDS: "16"}
"""So that a message is seen while it is being sent."""


async def told_person(house: House) -> str:
    """A dossier whose first notice has arrived, so that only the next one meets the misbehaviour."""
    code, _ = await house.accept(Person())
    await house.message(code, "delivered")
    return code


async def test_an_answer_withheld_is_unknown_and_asked_again_where_the_law_wants_it(house: House) -> None:
    await house.settled()
    await house.conduct(Kind.SMS, "withhold")
    code, fact_id = await house.accept(Person())
    assert (await house.message(code, "delivered"))["attempts"] == 2
    assert await house.outcomes(code, 3) == ["unknown", "handed_over", "delivered"]
    assert [line["repeat"] for line in house.arrivals(fact_id)] == [False, True]


async def test_an_answer_withheld_is_left_unknown_where_a_second_message_would_mislead(house: House) -> None:
    code = await told_person(house)
    await house.conduct(Kind.SMS, "withhold")
    fact_id = await house.finish(code)
    assert (await house.message(code, "unknown", template="result_ready"))["attempts"] == 1
    await house.settled()
    assert [line["repeat"] for line in house.arrivals(fact_id)] == [False]
    assert await house.outcomes(code, 3) == ["handed_over", "delivered", "unknown"]
    # A receipt that comes later still says how it ended.
    reference = str(message_id(fact_id, Channel.SMS))
    assert (await house.post_receipts((reference, "delivered"), (reference, "failed"))).json() == {"changed": 1}
    await house.message(code, "delivered", template="result_ready")
    assert (await house.outcomes(code, 5))[3:] == ["handed_over", "delivered"]


async def test_a_receipt_may_come_before_our_own_record(house: House) -> None:
    code = await told_person(house)
    await house.restart(**LONG)
    await house.conduct(Kind.SMS, "withhold")
    fact_id = await house.finish(code)
    await house.arrived(fact_id)
    await house.message(code, "sending", template="result_ready")
    reference = str(message_id(fact_id, Channel.SMS))
    assert (await house.post_receipts((reference, "delivered"))).json() == {"changed": 1}
    await house.settled()
    await house.message(code, "delivered", template="result_ready")
    next_code = await told_person(house)
    assert next_code != code
    assert (await house.outcomes(code, 4))[2:] == ["handed_over", "delivered"]
    await house.restart()


async def test_a_receipt_of_failure_ends_the_message(house: House) -> None:
    code = await told_person(house)
    await house.conduct(Kind.SMS, "withhold")
    fact_id = await house.finish(code)
    await house.message(code, "unknown", template="result_ready")
    await house.post_receipts((str(message_id(fact_id, Channel.SMS)), "failed"))
    assert (await house.message(code, "failed", template="result_ready"))["reason"] == "undelivered"


async def test_a_refusal_is_tried_again_and_a_rejection_is_not(house: House) -> None:
    await house.settled()
    await house.conduct(Kind.SMS, "refuse", 2)
    code, fact_id = await house.accept(Person())
    assert (await house.message(code, "delivered"))["attempts"] == 3
    assert len(house.arrivals(fact_id)) == 1
    await house.conduct(Kind.SMS, "reject")
    rejected, fact_id = await house.accept(Person())
    assert (await house.message(rejected, "failed"))["reason"] == "rejected_by_gateway"
    assert house.arrivals(fact_id) == []
    assert await house.outcomes(rejected, 1) == ["failed"]


async def test_a_mail_server_may_misbehave_as_well(house: House) -> None:
    person = Person(phone=None, email="c@dan.example")
    await house.settled()
    await house.conduct(Kind.MAIL, "withhold")
    code, fact_id = await house.accept(person)
    assert (await house.message(code, "handed_over", channel="email"))["attempts"] == 2
    assert await house.outcomes(code, 2) == ["unknown", "handed_over"]
    assert [line["repeat"] for line in house.arrivals(fact_id, Channel.EMAIL)] == [False, True]
    await house.conduct(Kind.MAIL, "refuse")
    refused, _ = await house.accept(person)
    assert (await house.message(refused, "handed_over", channel="email"))["attempts"] == 2
    await house.conduct(Kind.MAIL, "reject")
    rejected, _ = await house.accept(person)
    assert (await house.message(rejected, "failed", channel="email"))["reason"] == "rejected_by_gateway"


async def test_zalo_may_misbehave_as_well(house: House) -> None:
    person = Person(by_zalo=True)
    await house.settled()
    await house.conduct(Kind.ZALO, "withhold")
    code, fact_id = await house.accept(person)
    assert (await house.message(code, "delivered", channel="zalo"))["attempts"] == 2
    assert [line["repeat"] for line in house.arrivals(fact_id, Channel.ZALO)] == [False, True]
    for conduct in ("refuse", "throttle"):
        await house.conduct(Kind.ZALO, conduct)
        refused, _ = await house.accept(person)
        assert (await house.message(refused, "delivered", channel="zalo"))["attempts"] == 2
    assert house.arrivals(fact_id) == []


async def test_who_cannot_be_told_by_zalo_gets_an_sms_once(house: House) -> None:
    await house.settled()
    await house.conduct(Kind.ZALO, "reject")
    code, fact_id = await house.accept(Person(by_zalo=True))
    assert (await house.message(code, "failed", channel="zalo"))["reason"] == "not_on_zalo"
    assert (await house.message(code, "delivered"))["attempts"] == 1
    assert [len(house.arrivals(fact_id, channel)) for channel in (Channel.ZALO, Channel.SMS)] == [0, 1]
    assert await house.outcomes(code, 3) == ["failed", "handed_over", "delivered"]


async def test_gateways_that_are_away_are_waited_for(house: House) -> None:
    await house.settled()
    await house.sinks.end(signal.SIGKILL)
    code, fact_id = await house.accept(Person(email="d@dan.example"))

    async def tried() -> bool:
        items = [item for item in await house.told(code) if item["attempts"]]
        return len(items) == len(BOTH)

    try:
        await until(tried, "both channels were tried")
        assert {item["state"] for item in await house.told(code)} <= {"queued", "sending"}
    finally:
        await house.start_sinks()
    await house.message(code, "delivered")
    await house.message(code, "handed_over", channel="email")
    assert [len(house.arrivals(fact_id, channel)) for channel in BOTH] == [1, 1]


async def test_killed_between_call_and_record_the_policy_decides(house: House) -> None:
    code = await told_person(house)
    await house.settled()
    await house.restart(**LONG)
    await house.conduct(Kind.SMS, "withhold", 2)
    once_id = await house.finish(code)
    again, again_id = await house.accept(Person())
    await house.arrived(once_id)
    await house.arrived(again_id)
    sending = "select count(*) from messages where state = 'sending'"
    assert await house.pools["notification"].fetchval(sending) == 2
    await house.restart(signal.SIGKILL)
    assert (await house.message(again, "delivered"))["attempts"] == 2
    assert [line["repeat"] for line in house.arrivals(again_id)] == [False, True]
    assert await house.outcomes(again, 3) == ["unknown", "handed_over", "delivered"]
    await house.message(code, "unknown", template="result_ready")
    await house.settled()
    assert [line["repeat"] for line in house.arrivals(once_id)] == [False]


async def test_a_database_that_was_killed_is_waited_for(house: House) -> None:
    waiting, _ = await house.accept(None)
    await house.message(waiting, "awaiting_contact", channel=None)
    await house.stack.kill("postgres")
    await house.stack.wait_ready("postgres")
    await house.state_contact(waiting, Person())
    await house.message(waiting, "delivered")
    assert (await house.outcomes(waiting, 2))[-2:] == ["handed_over", "delivered"]


async def test_results_that_cannot_be_written_down_wait_and_nobody_is_asked_again(house: House) -> None:
    """The sender that still has the answers renews the lease before it ends, so that nobody may call them lost."""
    lease_of = "select wake_at from messages m join notices using (fact_id) where code = $1 and m.state = 'sending'"
    holds = "select wake_at > clock_timestamp(), clock_timestamp() > $2 from messages join notices using (fact_id)"
    pool = house.pools["notification"]
    await house.settled()
    holder = await asyncpg.connect(house.stack.dsn())
    try:
        async with holder.transaction():
            await holder.execute("lock table notification.journal_heads in exclusive mode")
            code, fact_id = await house.accept(Person())
            await house.arrived(fact_id)
            first = await until(lambda: pool.fetchval(lease_of, code), "it is being sent")

            async def outlasted() -> bool:
                leased, over = await pool.fetchrow(f"{holds} where code = $1", code, first)
                assert leased, "the lease ended before it was renewed"
                return bool(over)

            await until(outlasted, "the first lease would be over")
    finally:
        await holder.close()
    assert (await house.message(code, "delivered"))["attempts"] == 1
    assert await house.outcomes(code, 2) == ["handed_over", "delivered"]
    assert len(house.arrivals(fact_id)) == 1


async def test_a_damaged_key_ends_its_own_messages_and_nobody_elses(house: House) -> None:
    await house.settled()
    await house.service.end()
    damaged, _ = await house.accept(Person())
    neighbour, _ = await house.accept(Person())
    holder = await asyncpg.connect(house.stack.dsn())
    try:
        damaging = "set wrapped_key = set_byte(wrapped_key, 0, 255 - get_byte(wrapped_key, 0))"
        done = await holder.execute(f"update keyring.dossier_keys {damaging} where code = $1", damaged)
        assert done == "UPDATE 1"
    finally:
        await holder.close()
    await house.start_service()
    assert (await house.message(damaged, "failed"))["reason"] == "contact_unreadable"
    await house.message(neighbour, "delivered")


async def test_legal_time_stamps_what_is_told(house: House) -> None:
    code = await told_person(house)
    [item] = await house.told(code)
    assert datetime.fromisoformat(item["asked_at"]) == house.begin
    assert datetime.fromisoformat(item["changed_at"]) == house.begin
