"""What the services of a running stack know: real dossiers, officers of every role, bad tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from itertools import islice
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import uuid4

import asyncpg

from deploy.demo.calls import Caller
from deploy.demo.offices import Duty, Officer, Offices, act_body, dossier_body
from deploy.demo.plan import Arrival
from deploy.local.services import RECEIPTS_SECRET, SERVICES, TRACKING_SECRET
from deploy.local.stack import Stack
from services.processing.api.tracking import AUDIENCE
from shared.clocks import ScenarioClock
from shared.http.wire import Wire
from shared.roles import OFFICERS, Role
from shared.rulebook.moves import MOVES
from shared.tokens import issue_token
from tests.faults.town import OWED_BY_LEADER, arrivals_of
from tests.fuzz.asking import Known
from tests.operating import as_json
from tests.waiting import until

DOSSIERS = 4
SECRET = "a secret that a slip shows"
SET_SECRETS = "update processing.cases set tracking_secret_hash = sha256($1::bytea) where code = any($2::text[])"
FILE, ACT = "POST /v1/dossiers", "POST /v1/dossiers/{code}/acts/{action}"
ACT_ON_MANY = "POST /v1/acts"
REGISTER, REFUSE = "POST /v1/registrations", "POST /v1/refusals"
BACKDATE = "POST /v1/backdatings"
WAITING, REGISTRATION = "GET /v1/registrations", "GET /v1/registrations/{code}"
OFFICERS_SAID = "POST /v1/officers"
NOBODYS_DAY = {"officer": "nobody", "first_day": "2020-01-02", "last_day": "2020-01-02"}
SAID_OF_OFFICERS = (
    {"kind": "seat", "role": "desk"},
    {"kind": "absence", "role": "desk", "deputy": "somebody"},
    {"kind": "revocation"},
)
RULE_FILES = {
    "calendar": "kind,date,hours,agency,source\nhours,2024-12-16,07:00-11:00,{place},1/UBND\n",
    "catalogue": "procedure_code,case_code,field,value\n1.000894,default,case_name_en,As it is asked for\n",
}
"""Changes of each rule set that no trial looks at: hours of a day that none reaches, a name."""
TRACK = "POST /v1/tracking"
TELLS = ("POST /v1/receipts/sms", "POST /v1/receipts/zalo")
READS = tuple(f"GET /v1/dossiers/{{code}}{what}" for what in ("", "/deadline", "/history", "/notices"))
BAD = ("forged", "a.b.c", "é", "x" * 5000)
NO_DOSSIER = "H56.97.21-200102-9999"


async def known_to(stack: Stack, seed: int = 1) -> Mapping[str, Known]:
    """File some dossiers at one place, wait until officers have them; answers what each service knows then."""
    arrivals = arrivals_of(seed=9_000 + seed)
    assert stack.scenario_file is not None
    now = ScenarioClock(stack.scenario_file).now()
    place = next(arrivals).place
    here = list(islice((arrival for arrival in arrivals if arrival.place == place), DOSSIERS))
    wires = {name: Wire("127.0.0.1", stack.ports.of(name)) for name in ("intake", "processing")}
    with closing(wires["intake"]), closing(wires["processing"]):
        intake = Caller(wires["intake"])
        offices = Offices(intake, Caller(wires["processing"]), stack.token, seed=9_000 + seed)
        codes = [(await offices.file(arrival)).code for arrival in here]
        filings = [_registration(arrival) for arrival in here if arrival.case.online_offered]
        registered = [await _register(intake, stack.token("desk", place.code), filing) for filing in filings]
        duties = [await _first_duty(offices, Officer(place.code, "desk"), code) for code in codes]
    database = await asyncpg.connect(stack.dsn())
    try:
        await database.execute(SET_SECRETS, SECRET.encode(), codes)
    finally:
        await database.close()
    values = {
        "code": (*codes, NO_DOSSIER),
        "action": tuple(sorted({move.action for move in MOVES})),
        "GET /problems/{code} code": ("not_found", "nobodys"),
        "agency": (place.code, "H56.97", "nowhere"),
        "purpose": ("slip", "notice"),
        "If-Match": ('"1"', '"2"'),
        **dict.fromkeys(("on", "from", "to"), ("2020-01-02", "2020-11-30", "2026-02-17")),
    }
    receipt = {"reference": str(uuid4()), "status": "delivered", "at": "2020-01-02T08:00:00+07:00"}
    examples: dict[str, list[dict[str, Any]]] = {
        FILE: [{"body": dossier_body(arrival)} for arrival in here],
        ACT: [
            {"code": code, "action": duty.action, "If-Match": '"1"', "body": act_body(duty)}
            for code, duty in zip(codes, duties, strict=True)
        ]
        + [{"code": code, "action": "withdraw", "If-Match": '"1"', "body": {}} for code in registered[1:]],
        ACT_ON_MANY: [{"body": {"acts": [_listed(code, duty) for code, duty in zip(codes, duties, strict=True)]}}],
        OFFICERS_SAID: [{"body": {**NOBODYS_DAY, **said}} for said in SAID_OF_OFFICERS],
        REGISTER: [{"body": filing} for filing in filings],
        REFUSE: [{"body": {**dossier_body(arrival), "reason": "not_eligible"}} for arrival in here],
        BACKDATE: [{"body": _approval(arrival, now)} for arrival in here],
        TRACK: [{"body": {"code": code, "secret": secret}} for code in codes for secret in (SECRET, "wrong")],
        **{tell: [{"body": {"receipts": [receipt]}}] for tell in TELLS},
        **{
            _publishes(rules): [{"body": await _planned(stack, rules, text.format(place=place.code))}]
            for rules, text in RULE_FILES.items()
        },
        **{operation: [{"code": codes[0]}] for operation in (*READS, "GET /v1/tracking/{code}")},
        REGISTRATION: [{"code": code} for code in (codes[0], *registered)],
        "GET /internal/v1/dossiers/{code}/people": [{"code": codes[0], "purpose": "slip"}],
    }
    right = _right_callers(stack, duties[0], codes[0])
    tokens = ("", *right.values(), *_others(stack, place.code), *BAD)
    return {service: Known(tokens, right, values, examples) for service in SERVICES}


def _approval(arrival: Arrival, now: datetime) -> dict[str, Any]:
    case = arrival.case
    return {
        "place": arrival.place.code,
        "procedure_code": case.procedure_code,
        "case_code": case.case_code,
        "received_at": (now - timedelta(minutes=5)).isoformat(),
        "evidence": "postmark",
        "evidence_no": "7/2020",
    }


def _listed(code: str, duty: Duty) -> dict[str, Any]:
    return {"code": code, "action": duty.action, "version": 1, "body": act_body(duty)}


def _publishes(rules: str) -> str:
    return f"POST /v1/rules/{rules}"


async def _planned(stack: Stack, rules: str, text: str) -> dict[str, str]:
    """Plan a file as its signer does; what he sends then."""
    with NamedTemporaryFile("w", encoding="utf-8", suffix=".csv") as file:
        file.write(text)
        file.flush()
        plan = await as_json(stack, rules, "plan", file.name)
    return {"based_on": plan["based_on"], "version": plan["version"], "file": text}


def _registration(arrival: Arrival) -> dict[str, Any]:
    return {**dossier_body(arrival), "received_by": arrival.place.code}


async def _register(intake: Caller, token: str, filing: dict[str, Any]) -> str:
    return str((await intake.post("/v1/registrations", token, str(uuid4()), filing)).json()["code"])


def _right_callers(stack: Stack, duty: Duty, code: str) -> dict[str, str]:
    """Give each operation that is not for everybody the token of somebody whom it is for."""
    officer, service = (
        stack.token(duty.officer.role, duty.officer.agency, duty.officer.subject),
        stack.token("service", ""),
    )
    secrets = stack.folder.secrets
    officers = (
        FILE,
        REGISTER,
        REFUSE,
        WAITING,
        REGISTRATION,
        ACT,
        ACT_ON_MANY,
        "GET /v1/worklist",
        "GET /v1/officers",
        *READS,
    )
    internal = ("GET /internal/v1/quiet", "GET /internal/v1/dossiers/{code}/people")
    return {
        **dict.fromkeys(officers, officer),
        **dict.fromkeys(internal, service),
        OFFICERS_SAID: stack.token("leader", duty.officer.agency),
        **dict.fromkeys((BACKDATE, *map(_publishes, RULE_FILES)), stack.token("leader", "H56.90")),
        "GET /v1/notices/summary": stack.token("operator", ""),
        "GET /v1/tracking/{code}": issue_token(
            secrets / TRACKING_SECRET, subject=code, role="citizen", audience=AUDIENCE
        ),
        **dict.fromkeys(TELLS, (secrets / RECEIPTS_SECRET).read_text("utf-8").strip()),
    }


def _others(stack: Stack, place: str) -> Iterator[str]:
    """Give callers of every role, of an agency that is not in force too, and one whose token has expired."""
    for role in Role:
        for agency in (place, "H56.90", "H56.61") if role in OFFICERS else ("",):
            yield stack.token(role, agency, f"{role}.{agency}")
    yield stack.token("operator", "", seconds=-60)


async def _first_duty(offices: Offices, desk: Officer, code: str) -> Duty:
    """Wait until a dossier stands on the worklist of its desk."""

    async def owed() -> Duty | None:
        duties = [duty for item in await offices.worklist(desk) if item.code == code for duty in item.duties]
        return next((duty for duty in duties if duty.action != OWED_BY_LEADER), None)

    return await until(owed)
