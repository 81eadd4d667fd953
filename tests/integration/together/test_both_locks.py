"""Row-level security: what a transaction sees goes by its scope, whatever its queries ask for (ADR 41)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import asyncpg
import pytest

from deploy.provision.grants import API_RIGHTS
from services.intake.repository.backdatings import LOCK_APPROVALS
from services.intake.repository.dossiers import READ_VISIBLE_DOSSIER
from services.intake.repository.registrations import LOCK_REGISTRATION, READ_REGISTRATION, WAITING
from services.notification.repository.figures import NOTICES_OF, VISIBLE
from services.processing.api.acts import Acts, Admitted, SaidAct
from services.processing.domain.acts import Officer
from services.processing.handlers.acting import Acting
from services.processing.repository.halting import HALTS_OF, PROPOSALS_OF
from services.processing.repository.officers import ENTRIES_AFTER
from services.processing.repository.reading import ASKS_OF, READ_CASE, STEPS_OF, WORKLIST, WORKLIST_OF_AN_HEIR
from shared.clocks import ScenarioClock
from shared.database import ENTER_SCOPE, CallersPool, Pool, Scope, api_role, create_pool, transaction
from shared.http.problems import Problem
from shared.keyring.repository import READ_KEYS
from shared.messaging.journal import Journal
from shared.messaging.requests import Claim, StoredAnswer, claim_requests, drop_claims, store_answers
from shared.messaging.rules import RuleStore
from shared.rulebook.agencies import in_area
from shared.settings import DatabaseSettings
from tests.integration.intake.counter import AREA, Counter
from tests.integration.together.everywhere import READ, Everywhere
from tests.integration.together.rights import Route, ask

OURS, THEIRS = "H56.97.43", "H56.97.42"
OUR_PATH, THEIR_PATH, ABOVE_BOTH = "90.97.43.", "90.97.42.", "90.97."
OTHER_AREA = "16096"
API_ROLES = r"""
select rolname as name, rolsuper or rolbypassrls or rolcanlogin or rolinherit as may_more,
    exists (select from pg_auth_members where member = role.oid) as is_another
from pg_roles as role
where rolname like '%\_api'
"""
OPEN_POLICIES = """
select schemaname || '.' || tablename || ' ' || policyname as name
from pg_policies
where roles && array[$1::name, 'public'] and cmd in ('ALL', 'SELECT') and qual = 'true'
"""
LEFT_OVER = """
select current_user, current_setting('motcua.paths', true), current_setting('motcua.dossier', true),
    current_setting('motcua.callers', true), current_setting('motcua.applicant', true)
"""
"""What a scope sets, as the next statement on its connection finds it."""
WITHOUT_DOSSIERS: Mapping[str, str] = {
    "intake.day_numbers": "how many dossiers a place took in that day",
    "processing.registers": "the last number of an agency's register",
}
"""Tables that routes read without row-level security, and what stands there."""


@dataclass(frozen=True)
class Query:
    """What a route asks the database: its first lock is `predicate`, empty where what was read is looked at instead.

    `about`: it shows a dossier, or a `registration` that nobody has accepted yet, an `approval`, an `entry`.
    """

    service: str
    sql: str
    predicate: str
    instead: str
    arguments: Callable[[str], Sequence[Any]]
    about: str = "dossier"

    def unlocked(self) -> str:
        assert self.predicate in self.sql
        return self.sql.replace(self.predicate, self.instead) if self.predicate else self.sql


REGISTRATION = (
    "((received_path || '@' || area_code) ^@ any ($2::text[]) or applicant_index = $3)",
    "($2::text[] is not null or $3::bytea is not null)",
    lambda code: (code, [OUR_PATH], None),
)
LONG_AGO, LATER = datetime(1, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
QUERIES: Mapping[str, Query] = {
    "worklist": Query(
        "processing",
        WORKLIST,
        "agency = $1 and role = $2",
        "$1::text is not null and $2::text is not null",
        lambda _: (OURS, "desk", ["somebody"], True, LONG_AGO, "", LATER, None, None, 10_000),
    ),
    "worklist of an heir": Query(
        "processing",
        WORKLIST_OF_AN_HEIR,
        "agency = office.agency and role = $2",
        "office.agency is not null and $2::text is not null",
        lambda _: ([OURS], "desk", ["somebody"], True, LONG_AGO, "", LATER, None, None, 10_000, [False], []),
    ),
    "worklist of an heir in his areas": Query(
        "processing",
        WORKLIST_OF_AN_HEIR,
        "select c.area_code = any($12::text[])",
        "select $12::text[] is not null",
        lambda _: (
            *([OURS, THEIRS], "desk", ["somebody"], True, LONG_AGO, "", LATER, None, None, 10_000),
            *([True, True], [AREA]),
        ),
    ),
    "case": Query("processing", READ_CASE, "", "", lambda code: (code,)),
    "steps": Query("processing", STEPS_OF, "", "", lambda code: ([code],)),
    "asks": Query("processing", ASKS_OF, "", "", lambda code: ([code],)),
    "halts": Query("processing", HALTS_OF, "", "", lambda code: ([code],)),
    "proposals": Query("processing", PROPOSALS_OF, "", "", lambda code: ([code],)),
    "papers": Query(
        "intake",
        READ_VISIBLE_DOSSIER,
        READ_VISIBLE_DOSSIER.partition("d.code = $1 and ")[2].strip(),
        "$2::text[] is not null",
        lambda code: (code, [OUR_PATH]),
    ),
    "registration": Query("intake", READ_REGISTRATION, *REGISTRATION),
    "registration to be acted on": Query("intake", LOCK_REGISTRATION, *REGISTRATION),
    "registrations that wait": Query(
        "intake",
        WAITING,
        "received_path = split_part(place.path, '@', 1)",
        "place.path is not null",
        lambda _: ([OUR_PATH], LONG_AGO, "", 10_000),
        about="registration",
    ),
    "approvals": Query(
        "intake",
        LOCK_APPROVALS,
        "place = any($2::text[])",
        "$2::text[] is not null",
        lambda approval: ([approval], [OURS]),
        about="approval",
    ),
    "keys": Query("intake", READ_KEYS, "", "", lambda code: ([code],)),
    "visible": Query(
        "notification",
        VISIBLE,
        VISIBLE.partition("code = $1 and ")[2].strip().removesuffix(")").strip(),
        "$2::text[] is not null",
        lambda code: (code, [OUR_PATH]),
    ),
    "notices": Query("notification", NOTICES_OF, "", "", lambda code: (LATER, code)),
    "entries of officers": Query("processing", ENTRIES_AFTER, "", "", lambda entry: (int(entry) - 1,), about="entry"),
}


_APPROVE = """
insert into intake.backdatings
select gen_random_uuid(), left($1, 9), '90.' || substr($1, 5, 5) || '.', 'any', 'any', '2020-01-02', 'postmark', '1',
    'anybody', 'H56.97', '2020-01-03', null
"""
_REVOKE = """
insert into processing.officer_entries (
    kind, agency, agency_path, officer, role, deputy, first_day, recorded_at, recorded_by
)
select 'revocation', left($1, 9), '90.' || substr($1, 5, 5) || '.', 'nobody', '', '', '2020-01-02', '2020-01-02', 'any'
"""
ADDITIONS: Mapping[str, tuple[str, str]] = {
    "a data key": (
        "intake",
        "insert into keyring.dossier_keys values ($1, '', '', '2020-01-02') on conflict do nothing",
    ),
    "papers": ("intake", "insert into intake.papers values ($1, 'one-more', 1, 0, 0), ($1, 'another', 1, 0, 0)"),
    "an approval": ("intake", _APPROVE),
    "an entry of officers": ("processing", _REVOKE),
}
"""What is added for a dossier or, by its code, for the place that took it in: the service that does, and its SQL."""


@pytest.fixture(scope="module")
async def codes(counter: Counter, everywhere: Everywhere) -> tuple[str, str]:
    """One dossier of ours and one of theirs, each its commune's alone; the province was asked about both."""
    filing = await counter.filing()
    answers = [
        await counter.hand_in({**filing, "area_code": area}, headers=counter.bearer("desk", place))
        for place, area in ((OURS, AREA), (THEIRS, OTHER_AREA))
    ]
    await everywhere.rest()
    ask = """
        insert into processing.asks (code, ask_no, step_no, agency, agency_path, asked_by, asked_at)
        values ($1, 1, 2, 'H56.90', '90.', 'anybody', $2)
    """
    halt = """
        insert into processing.halts (
            code, halt_no, kind, begins_at, came_from, agency, officer, basis, step_no, limit_reached, papers, missing
        )
        values ($1, 1, 'posting', $2, 4, 'H56.97', 'anybody', 'a', 2, false, '{}', '{}')
    """
    proposal = """
        insert into processing.proposals (code, papers, agency, officer, proposed_at)
        values ($1, '{a}', 'H56.97', 'anybody', $2)
    """
    for answer in answers:
        for statement in (ask, halt, proposal):
            await everywhere.database.execute(statement, answer.json()["code"], LONG_AGO)
    ours, theirs = (str(answer.json()["code"]) for answer in answers)
    return ours, theirs


@pytest.fixture(scope="module")
async def of_theirs(counter: Counter, everywhere: Everywhere, codes: tuple[str, str]) -> Mapping[str, str]:
    """What stands of theirs, by what a query is about."""
    answer = await counter.register(await counter.filing(), counter.bearer("desk", THEIRS), THEIRS)
    return {
        "dossier": codes[1],
        "registration": answer.json()["code"],
        "approval": await everywhere.database.fetchval(f"{_APPROVE} returning id::text", codes[1]),
        "entry": await everywhere.database.fetchval(f"{_REVOKE} returning no::text", codes[1]),
    }


@asynccontextmanager
async def one_connection(everywhere: Everywhere, service: str) -> AsyncIterator[Pool]:
    """The service's own pool, of one connection: nothing but the end of a transaction undoes what it set."""
    environment = everywhere.stack.environment(service)
    named = {name: environment[f"MOTCUA_DATABASE__{name.upper()}"] for name in DatabaseSettings.model_fields}
    pool = await create_pool(DatabaseSettings.model_validate(named), service, size=1)
    try:
        yield pool
    finally:
        await pool.close()


async def shown(pool: CallersPool, scope: Scope, sql: str, query: Query, code: str) -> bool:
    """Whether a transaction of this scope is shown anything of a dossier."""
    async with pool.transaction(scope) as tx:
        rows = await tx.fetch(sql, *query.arguments(code))
    if "$10" in query.sql or query.about == "registration":
        return code in [row["code"] for row in rows]
    if query.about in {"approval", "entry"}:
        return code in [str(row[0]) for row in rows]
    return bool(rows) and rows[0][0] is not False


@pytest.mark.parametrize("name", QUERIES)
async def test_either_lock_alone_keeps_others_out_and_without_both_they_are_in(
    everywhere: Everywhere, of_theirs: Mapping[str, str], name: str
) -> None:
    query = QUERIES[name]
    theirs = of_theirs[query.about]
    async with one_connection(everywhere, query.service) as connection:
        pool, scope = CallersPool(connection, query.service), Scope((OUR_PATH,))
        assert not await shown(pool, scope, query.unlocked(), query, theirs)
        async with everywhere.without_policies(query.service):
            assert await shown(pool, scope, query.unlocked(), query, theirs), "the trial cannot fail"
            if query.predicate:
                assert not await shown(pool, scope, query.sql, query, theirs)
        assert not await shown(pool, scope, query.unlocked(), query, theirs)
        assert await shown(pool, Scope((THEIR_PATH,)), query.unlocked(), query, theirs)


async def test_two_tenants_in_turn_on_one_connection_see_their_own_and_a_scope_ends_with_its_transaction(
    everywhere: Everywhere, codes: tuple[str, str]
) -> None:
    every_case = "select code from cases where code = any($1) order by code"
    mine = dict(zip((OUR_PATH, THEIR_PATH), codes, strict=True))
    async with one_connection(everywhere, "processing") as connection:
        pool = CallersPool(connection, "processing")

        async def seen(*paths: str, dossier: str = "") -> list[str]:
            async with pool.transaction(Scope(paths, dossier)) as tx:
                return [row["code"] for row in await tx.fetch(every_case, list(codes))]

        turns = [path for _ in range(20) for path in mine]
        assert await asyncio.gather(*map(seen, turns)) == [[mine[path]] for path in turns]
        assert await seen(*mine) == sorted(codes)
        assert await seen("90.97.") == sorted(codes)
        assert await seen() == []
        assert await seen(dossier=codes[1]) == [codes[1]]
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with pool.transaction(Scope((THEIR_PATH,))) as tx:
                await tx.fetch("select 1 / 0")
        assert await seen() == []
        async with pool.transaction(Scope((THEIR_PATH,), codes[1], ("somebody",), "an index")) as tx:
            assert [*await tx.fetchrow(LEFT_OVER)] == ["processing_api", THEIR_PATH, codes[1], "somebody", "an index"]
        async with transaction(connection) as tx:
            assert [*await tx.fetchrow(LEFT_OVER)] == ["processing", "", "", "", ""]
            assert [row["code"] for row in await tx.fetch(every_case, list(codes))] == sorted(codes)


async def test_officers_whose_acts_share_a_transaction_act_each_on_his_own_dossiers_alone(
    everywhere: Everywhere, counter: Counter
) -> None:
    """Its scope is all of theirs together (ADR 41): between them the first lock decides alone."""
    filing, own = await counter.filing(), dict[str, list[str]]()
    for place, area in ((OURS, AREA), (THEIRS, OTHER_AREA)):
        body, bearer = {**filing, "area_code": area}, counter.bearer("desk", place)
        own[place] = [str((await counter.hand_in(body, headers=bearer)).json()["code"]) for _ in range(2)]
    await everywhere.rest()
    rules, scenario = RuleStore(everywhere.stack.kafka_login("processing")), everywhere.stack.scenario_file
    assert scenario is not None
    await rules.load()
    acting = Acting(rules, Journal("processing"), ScenarioClock(scenario))
    detail: Route = ("processing", "get", "/v1/dossiers/{code}")
    [duty] = (await ask(everywhere, detail, ("desk", OURS), code=own[OURS][0])).json()["open_duties"]
    async with one_connection(everywhere, "processing") as connection:
        acts = Acts(CallersPool(connection, "processing"), acting)

        async def act(place: str, path: str, code: str) -> tuple[int, str]:
            caller = f"anybody/{duty['role']}/{place}"
            assigned = {"step_no": duty["step_no"], "officer": "somebody", "agency": place}
            said = SaidAct(code, "assign", 1, json.dumps(assigned).encode())
            admitted = Admitted(Officer("anybody", duty["role"], place), (path,), caller)
            try:
                answer = await acts.do(said, admitted, Claim(caller, f"of-one-batch-{code}", b"h" * 32))
            except Problem as refused:
                return refused.status, refused.code
            return answer.status_code, ""

        # Whoever comes first takes those with him who come before he begins; one dossier has its turns.
        (ours, also_ours), (theirs, also_theirs) = own.values()
        done, unknown = (HTTPStatus.OK, ""), (HTTPStatus.NOT_FOUND, "dossier_unknown")
        asked = {
            (OURS, OUR_PATH, ours): done,
            (THEIRS, THEIR_PATH, theirs): done,
            (OURS, OUR_PATH, also_theirs): unknown,
            (THEIRS, THEIR_PATH, also_ours): unknown,
            (THEIRS, THEIR_PATH, ours): unknown,
            (OURS, OUR_PATH, theirs): unknown,
        }
        assert dict(zip(asked, await asyncio.gather(*(act(*each) for each in asked)), strict=True)) == asked
        shared = "select count(distinct xmin::text) from cases where code = any($1::text[])"
        assert await connection.fetchval(shared, [ours, theirs]) == 1, "they did not share a transaction"


KNOWN = {"intake": "dossiers", "processing": "cases", "notification": "dossiers"}
"""Service → where it keeps which dossiers there are."""


@pytest.mark.parametrize("service", KNOWN)
async def test_a_scope_of_an_agency_in_one_area_sees_its_dossiers_of_that_area_alone(
    everywhere: Everywhere, codes: tuple[str, str], service: str
) -> None:
    """What an ended agency left to others by area (ADR 78); nothing of what is below that agency is in it."""
    ours, _ = codes
    async with one_connection(everywhere, service) as connection:
        pool = CallersPool(connection, service)

        async def seen(*paths: str) -> list[str]:
            async with pool.transaction(Scope(paths)) as tx:
                query = f"select code from {KNOWN[service]} where code = any($1::text[])"
                rows = await tx.fetch(query, codes)
            return [row["code"] for row in rows]

        assert await seen(in_area(OUR_PATH, AREA)) == [ours]
        assert await seen(in_area(OUR_PATH, OTHER_AREA), in_area(ABOVE_BOTH, AREA)) == []
        assert sorted(await seen(ABOVE_BOTH)) == sorted(codes)


async def test_papers_and_dossiers_of_one_area_are_changed_by_whoever_took_over_that_area(
    everywhere: Everywhere, codes: tuple[str, str]
) -> None:
    ours, _ = codes
    async with one_connection(everywhere, "intake") as connection:
        pool = CallersPool(connection, "intake")
        for area, changed in ((AREA, 1), (OTHER_AREA, 0)):
            async with pool.transaction(Scope((in_area(OUR_PATH, area),))) as tx:
                for table in ("dossiers", "papers"):
                    done = await tx.execute(f"update {table} set code = code where code = $1", ours)
                    assert int(done.split()[-1]) >= changed
                    assert changed or done == "UPDATE 0"


async def test_nobody_writes_into_a_dossier_beyond_the_scope(everywhere: Everywhere, codes: tuple[str, str]) -> None:
    ours, theirs = codes
    async with one_connection(everywhere, "processing") as connection:
        pool = CallersPool(connection, "processing")
        async with pool.transaction(Scope((OUR_PATH,))) as tx:
            changed = [
                await tx.execute(f"{statement} where code = $1", theirs)
                for statement in (
                    *("update cases set version = version + 1", "update steps set taken = true"),
                    *("delete from duties", "delete from timers"),
                )
            ]
            assert changed == ["UPDATE 0", "UPDATE 0", "DELETE 0", "DELETE 0"]
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with pool.transaction(Scope((OUR_PATH,))) as tx:
                await tx.execute(
                    "insert into duties select $1, 9, 'sign', agency, role, move, step_agency, step_role, "
                    "holder, taken, promised_due from duties where code = $2",
                    theirs,
                    ours,
                )


@pytest.mark.parametrize("what", ADDITIONS)
async def test_nobody_adds_beyond_the_scope(everywhere: Everywhere, codes: tuple[str, str], what: str) -> None:
    service, statement = ADDITIONS[what]
    async with one_connection(everywhere, service) as connection:

        async def add(code: str) -> None:
            async with CallersPool(connection, service).transaction(Scope((OUR_PATH,))) as tx:
                await tx.execute(statement, code)

        ours, theirs = codes
        await add(ours)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await add(theirs)


@pytest.mark.parametrize("service", ["intake", "processing"])
async def test_a_head_is_seen_moved_and_added_with_its_dossier_alone(
    everywhere: Everywhere, codes: tuple[str, str], service: str
) -> None:
    add = "insert into journal_heads select topic, unnest($1::text[]), 1, '' from unnest($2::text[]) as topic"
    async with one_connection(everywhere, service) as pool, pool.acquire() as connection:
        trial = connection.transaction()
        await trial.start()
        await connection.execute(add, list(codes), ["trial"])
        await connection.fetchval(ENTER_SCOPE, api_role(service), *Scope((OUR_PATH,)).settings)
        seen = await connection.fetch("select subject from journal_heads where subject = any($1::text[])", list(codes))
        assert {row["subject"] for row in seen} == {codes[0]}
        assert await connection.execute("update journal_heads set seq = 2 where topic = 'trial'") == "UPDATE 1"
        await connection.execute(add, [codes[0]], ["another"])
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(add, [codes[1]], ["another"])
        await trial.rollback()


async def test_facts_are_shown_with_their_dossier_alone(everywhere: Everywhere, codes: tuple[str, str]) -> None:
    add = """
        insert into journal
        select 'trial', code, 1, gen_random_uuid(), '', '', $2, $2, code, '{}', '', '', '', ''
        from unnest($1::text[]) as code
    """
    shown = "select subject from journal where topic = 'trial'"
    async with one_connection(everywhere, "processing") as pool, pool.acquire() as connection:
        trial = connection.transaction()
        await trial.start()
        await connection.execute(add, list(codes), datetime.now(UTC))
        assert {row["subject"] for row in await connection.fetch(shown)} == set(codes)
        await connection.fetchval(ENTER_SCOPE, api_role("processing"), *Scope((OUR_PATH,)).settings)
        assert [row["subject"] for row in await connection.fetch(shown)] == [codes[0]]
        await connection.fetchval(ENTER_SCOPE, api_role("processing"), *Scope().settings)
        assert await connection.fetch(shown) == []
        await trial.rollback()


@pytest.mark.parametrize("service", ["intake", "processing"])
async def test_a_stored_answer_is_shown_to_its_caller_and_changed_for_nobody_else(
    everywhere: Everywhere, service: str
) -> None:
    mine, theirs = (Claim(f"{name}/desk/{OURS}", "of-both-locks", b"h" * 32) for name in ("anna", "ben"))
    kept = {mine: StoredAnswer(201, {}, b"mine"), theirs: StoredAnswer(201, {}, b"theirs")}
    async with one_connection(everywhere, service) as connection:
        pool = CallersPool(connection, service)

        async def seen(*callers: str) -> list[bytes]:
            async with pool.transaction(Scope(("90.",), callers=callers)) as tx:
                query = "select body from idempotency_keys where key = $1 order by body"
                return [row["body"] for row in await tx.fetch(query, mine.key)]

        async with pool.transaction(Scope(callers=(mine.caller, theirs.caller))) as tx:
            assert await claim_requests(tx, kept) == {}
            await store_answers(tx, kept)
        assert await seen(mine.caller, theirs.caller) == [b"mine", b"theirs"]
        assert await seen(mine.caller) == [b"mine"]
        assert await seen() == []
        async with pool.transaction(Scope(callers=(mine.caller,))) as tx:
            await store_answers(tx, {theirs: StoredAnswer(500, {}, b"changed")})
            await drop_claims(tx, [theirs])
            assert await claim_requests(tx, [mine]) == {mine: kept[mine]}
        assert await seen(theirs.caller) == [b"theirs"]
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with pool.transaction(Scope(callers=(mine.caller,))) as tx:
                await claim_requests(tx, [replace(theirs, key="another")])


async def test_every_table_that_a_route_may_read_is_secured_or_holds_no_dossier(everywhere: Everywhere) -> None:
    """By the rights that the database itself knows, in every schema: none is forgotten."""
    roles = {row["name"]: row for row in await everywhere.database.fetch(API_ROLES)}
    assert roles.keys() == {api_role(service) for service in API_RIGHTS}
    unsecured = set()
    for name, role in roles.items():
        assert not role["may_more"], name
        assert not role["is_another"], name
        unsecured |= {row["name"] for row in await everywhere.database.fetch(READ, name) if not row["secured"]}
        assert await everywhere.database.fetch(OPEN_POLICIES, name) == [], name
    assert unsecured == WITHOUT_DOSSIERS.keys()
