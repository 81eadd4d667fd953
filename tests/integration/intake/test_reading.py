"""Who may read which dossier, and that each read leaves a trace."""

from __future__ import annotations

import httpx2
import pytest

from deploy.local.stack import Stack
from services.intake.__main__ import build
from services.intake.settings import Settings
from shared.auth import TokenVerifier
from shared.clocks import legal_clock
from shared.contracts.topics import CONTACTS, LIFECYCLE, RULES
from shared.database import create_pool
from shared.http.app import create_app
from shared.messaging.following import FollowedTopic
from shared.runtime import Resources
from shared.sealing import KeyEncryptionKey, KeyringReader
from shared.settings import DatabaseSettings
from tests.integration.intake.counter import COMMUNE, DISTRICT_DESK, OTHER_COMMUNE, PERSON, TELLING, Counter


@pytest.fixture(scope="module")
async def of_commune(counter: Counter) -> str:
    """Received, decided and stepped within one commune."""
    answer = await counter.hand_in(await counter.filing())
    return str(answer.json()["code"])


@pytest.fixture(scope="module")
async def of_district(counter: Counter) -> str:
    """Received by a commune, decided by an office of the district."""
    for case in (await counter.http.get("/v1/procedures")).json()["items"]:
        if COMMUNE in case["received_by"] and DISTRICT_DESK in case["received_by"]:
            filing = await counter.filing(case["procedure_code"], case["case_code"])
            accepted = (await counter.hand_in(filing)).json()
            if accepted["competent_agency"].startswith("H56.97.0"):
                return str(accepted["code"])
    raise AssertionError("no case is received by both and decided by the district")


async def read(counter: Counter, code: str, role: str, agency: str) -> httpx2.Response:
    return await counter.http.get(f"/v1/dossiers/{code}", headers=counter.bearer(role, agency))


async def audited(counter: Counter, code: str) -> int:
    return int(await counter.database.fetchval("select count(*) from intake.reads where code = $1", code))


@pytest.mark.parametrize("role", ["desk", "specialist", "leader", "auditor"])
@pytest.mark.parametrize("agency", [COMMUNE, "H56.97", "H56.90"])
async def test_the_agency_and_those_above_it_read(counter: Counter, of_commune: str, role: str, agency: str) -> None:
    before = await audited(counter, of_commune)
    answer = await read(counter, of_commune, role, agency)
    assert answer.status_code == 200, answer.text
    assert answer.json()["people"]["applicant"]["citizen_number"] == PERSON["citizen_number"]
    assert answer.json()["people_erased"] is False
    assert answer.headers["cache-control"] == "no-store"
    assert await audited(counter, of_commune) == before + 1
    line = await counter.database.fetchrow(
        "select subject, role, agency, purpose, trace_id from intake.reads where code = $1 order by id desc limit 1",
        of_commune,
    )
    assert line is not None
    assert tuple(line) == (f"{role}@{agency}", role, agency, "official_duty", answer.headers["trace-id"])


@pytest.mark.parametrize("agency", [OTHER_COMMUNE, DISTRICT_DESK, "H56.97.02", "H56.91"])
async def test_strangers_are_told_that_there_is_no_such_dossier(counter: Counter, of_commune: str, agency: str) -> None:
    before = await audited(counter, of_commune)
    answer = await read(counter, of_commune, "leader", agency)
    nothing = await read(counter, f"{COMMUNE}-200102-9998", "leader", agency)
    assert (answer.status_code, nothing.status_code) == (404, 404)
    assert {**answer.json(), "trace_id": ""} == {**nothing.json(), "trace_id": ""}
    assert await audited(counter, of_commune) == before


async def test_every_agency_of_a_step_reads(counter: Counter, of_district: str) -> None:
    row = await counter.database.fetchrow(
        "select competent_path, received_path, step_paths from intake.dossiers where code = $1", of_district
    )
    assert row is not None
    agencies = (await counter.http.get("/v1/agencies")).json()["items"]
    codes = {agency["path"]: agency["code"] for agency in agencies}
    paths = {row["competent_path"], row["received_path"], *row["step_paths"]}
    assert len(paths) > 1
    for path in paths:
        assert (await read(counter, of_district, "specialist", codes[path])).status_code == 200
    assert (await read(counter, of_district, "specialist", OTHER_COMMUNE)).status_code == 404


@pytest.mark.parametrize("role", ["operator", "service"])
async def test_who_is_no_officer_does_not_read(counter: Counter, of_commune: str, role: str) -> None:
    answer = await read(counter, of_commune, role, COMMUNE)
    assert (answer.status_code, answer.json()["code"]) == (403, "role_not_allowed")


@pytest.mark.parametrize("agency", ["H56.61", "H99.99"])
async def test_an_agency_that_is_not_in_force_reads_nothing(counter: Counter, of_commune: str, agency: str) -> None:
    answer = await read(counter, of_commune, "leader", agency)
    assert (answer.status_code, answer.json()["code"]) == (403, "agency_not_allowed")


async def test_a_service_reads_people_for_a_listed_purpose(counter: Counter, of_commune: str) -> None:
    url = f"/internal/v1/dossiers/{of_commune}/people"
    service = counter.bearer("service", "", "processing")
    answer = await counter.http.get(url, params={"purpose": "slip"}, headers=service)
    assert answer.status_code == 200, answer.text
    assert answer.json()["people"]["applicant"]["name"] == PERSON["name"]
    purpose = await counter.database.fetchval(
        "select purpose from intake.reads where subject = 'processing' order by id desc limit 1"
    )
    assert purpose == "slip"
    assert (await counter.http.get(url, params={"purpose": "curiosity"}, headers=service)).status_code == 422
    assert (await counter.http.get(url, headers=service)).status_code == 422
    assert (await counter.http.get(url, params={"purpose": "slip"}, headers=counter.bearer())).status_code == 403


async def test_the_audit_cannot_be_changed_by_the_service(counter: Counter, of_commune: str) -> None:
    await read(counter, of_commune, "leader", COMMUNE)
    granted = await counter.database.fetch(
        "select privilege_type from information_schema.role_table_grants "
        "where table_schema = 'intake' and table_name = 'reads' and grantee = 'intake'"
    )
    assert {row["privilege_type"] for row in granted} == {"SELECT", "INSERT"}


async def test_erasing_the_key_erases_the_people_and_nothing_else(counter: Counter, stack: Stack) -> None:
    accepted, other = [(await counter.hand_in(await counter.filing())).json() for _ in range(2)]
    erased, neighbour = accepted["code"], other["code"]
    assert (await read(counter, erased, "leader", COMMUNE)).json()["people"] is not None
    await counter.database.execute("delete from keyring.dossier_keys where code = $1", erased)
    async with restarted(stack) as http:
        bearer = counter.bearer("leader", COMMUNE)
        gone = (await http.get(f"/v1/dossiers/{erased}", headers=bearer)).json()
        assert (gone["people"], gone["people_erased"]) == (None, True)
        assert gone["papers"]
        assert gone["promised_due"] == accepted["promised_due"]
        kept = (await http.get(f"/v1/dossiers/{neighbour}", headers=bearer)).json()
        assert kept["people"]["applicant"]["name"] == PERSON["name"]
        asked = await http.get(
            f"/internal/v1/dossiers/{erased}/people",
            params={"purpose": "slip"},
            headers=counter.bearer("service", "", "processing"),
        )
        assert asked.json() == {"code": erased, "people": None, "people_erased": True}


@pytest.mark.parametrize("code", ["%00", "H56%0A", "x" * 41, "H56'--", "%F0%9F%98%80"])
async def test_what_is_no_code_is_refused_before_the_database_is_asked(counter: Counter, code: str) -> None:
    answer = await read(counter, code, "leader", COMMUNE)
    assert (answer.status_code, answer.json()["code"]) == (422, "input_invalid")


async def test_an_erased_key_is_forgotten_within_sixty_seconds(counter: Counter, stack: Stack) -> None:
    code = (await counter.hand_in(await counter.filing())).json()["code"]
    now = 0.0
    settings = DatabaseSettings(
        host="127.0.0.1",
        port=stack.ports.postgres,
        user="notification",
        password_file=stack.folder.secrets / "notification.password",
    )
    pool = await create_pool(settings, "notification")
    kek = KeyEncryptionKey.read(stack.folder.secrets / "keyring.key")
    reader = KeyringReader(pool, kek, monotonic=lambda: now)
    key = await reader.data_key(code)
    assert key is not None
    await counter.database.execute("delete from keyring.dossier_keys where code = $1", code)
    now = 59.9
    assert await reader.data_keys([code]) == {code: key}
    now = 60.1
    assert await reader.data_keys([code]) == {}
    await pool.close()


async def test_quiet_says_what_is_journaled_to_services_and_operators_only(counter: Counter) -> None:
    figures = (await counter.http.get("/internal/v1/quiet", headers=counter.bearer("operator", ""))).json()
    facts = "select count(*) from intake.journal where topic = $1"
    assert figures["journaled"][LIFECYCLE.name] == await counter.database.fetchval(facts, LIFECYCLE.name)
    dossiers = await counter.database.fetchval("select count(*) from intake.dossiers")
    assert figures["journaled"][CONTACTS.name] == dossiers
    assert figures["journaled"][RULES.name] == 3
    assert (figures["timers_due"], figures["messages_waiting"], figures["parked"]) == (0, 0, 0)
    assert (await counter.http.get("/internal/v1/quiet", headers=counter.bearer())).status_code == 403
    assert (await counter.http.get("/internal/v1/quiet")).status_code == 401


BREAK = """
create function intake.broken() returns trigger language plpgsql as $$
begin
    raise exception 'planted' using detail = to_jsonb(new)::text;
end
$$;
create trigger broken before insert on intake.dossiers for each row execute function intake.broken()
"""
MEND = "drop function intake.broken cascade"


async def test_weakness_8_logs_and_metrics_hold_nobody_whatever_becomes_of_a_filing(
    counter: Counter, stack: Stack
) -> None:
    filing = await counter.filing()
    wrong = {**filing, "applicant": {**PERSON, "birth_date": "1995-03-05x"}}
    statuses = [(await counter.hand_in(each)).status_code for each in (filing, wrong, {**filing, "papers": []})]
    await counter.database.execute(BREAK)
    try:
        statuses.append((await counter.hand_in(filing)).status_code)
    finally:
        await counter.database.execute(MEND)
    assert statuses == [201, 422, 422, 500]
    metrics = (await counter.http.get("/metrics")).text
    assert 'route="/v1/dossiers"' in metrics
    assert float(metrics.split("motcua_metrics_snapshot_age_seconds ")[-1]) <= 5
    logs = b"".join(path.read_bytes() for path in stack.folder.logs.iterdir())
    assert b'"event": "request"' in logs
    assert b"planted" in logs
    for text in TELLING:
        assert text.encode() not in logs
        assert text not in metrics


class restarted:  # noqa: N801 - reads as a verb where it is used
    """Another intake over the same database, which remembers nothing."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    async def __aenter__(self) -> httpx2.AsyncClient:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self._stack.environment("intake").items():
                patch.setenv(name, value)
            settings = Settings()
        self._pool = await create_pool(settings.database, "intake")
        parts = await build(Resources(settings, self._pool, legal_clock(settings.clock)))
        for name in ("rules", "officers"):
            followed = parts.consumers[name]
            assert isinstance(followed, FollowedTopic)
            await followed.load()
        verifier = TokenVerifier(settings.tokens, symmetric=True)
        app = create_app(service="intake", version="0", surface=parts.surface, verifier=verifier)
        self._http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://intake")
        return self._http

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()
        await self._pool.close()
