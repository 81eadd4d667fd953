"""Every pair of state and action before acceptance, asked over HTTP by every kind of caller, held against the table."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import pytest

from shared.contracts.facts import State
from shared.rulebook.moves import AVAILABLE_AT_INTAKE, MOVES, Owner, moves_for
from tests.integration.intake.counter import COMMUNE, OTHER_COMMUNE, Counter

ACTIONS = sorted(
    {move.action for move in MOVES if move.owner is Owner.INTAKE and None not in move.from_states} & AVAILABLE_AT_INTAKE
)
PAPER = "giay-to-tuy-than"
PAPERS = {"papers": [{"paper_code": PAPER, "photocopies": 2}]}
BODIES: dict[str, dict[str, Any]] = {
    "ask_papers": {"papers": [{"paper_code": PAPER}]},
    "submit_papers": PAPERS,
    "refuse": {"reason": "not_eligible"},
}
_names = itertools.count(1)


class Caller(NamedTuple):
    """Who asks: `sees` the dossier at all, and `acts` for its place of reception or as its applicant."""

    role: str
    agency: str
    sees: bool
    acts: bool


CALLERS = {
    "applicant": Caller("citizen", "", sees=True, acts=True),
    "another citizen": Caller("citizen", "", sees=False, acts=False),
    "desk": Caller("desk", COMMUNE, sees=True, acts=True),
    "desk of another place": Caller("desk", OTHER_COMMUNE, sees=False, acts=False),
    "desk above": Caller("desk", "H56.97", sees=True, acts=False),
    "specialist": Caller("specialist", COMMUNE, sees=True, acts=True),
    "leader": Caller("leader", COMMUNE, sees=True, acts=True),
    "auditor": Caller("auditor", COMMUNE, sees=True, acts=True),
    "operator": Caller("operator", "", sees=False, acts=False),
    "service": Caller("service", "", sees=False, acts=False),
}


class Waiting(NamedTuple):
    """A dossier in some state: its applicant, and the version that stands."""

    code: str
    applicant: str
    version: int


async def in_state(counter: Counter, state: State, *, asked: bool) -> Waiting:
    """Register a dossier and bring it into a state; in state 1 with a paper asked for where it is to be submitted."""
    name = f"walker-{next(_names)}"
    filing = await counter.filing("1.000894")
    code = (await counter.register(filing, counter.bearer("citizen", "", name))).json()["code"]
    ways = {State.ACCEPTED: "accept", State.REFUSED: "refuse", State.WITHDRAWN: "withdraw"}
    action = ways.get(state, "ask_papers" if asked else "")
    if not action:
        return Waiting(code, name, 1)
    answer = await counter.act(code, action, counter.bearer(), 1, BODIES.get(action))
    assert answer.status_code == 200, answer.text
    return Waiting(code, name, 2)


def expected(state: State, action: str, caller: Caller) -> tuple[int, str]:
    """What the table says, in the order in which it is judged."""
    row = next((move for move in moves_for(state, action) if move.owner is Owner.INTAKE), None)
    if caller.role not in {role for move in MOVES if move.action == action for role in move.roles}:
        return 403, "role_not_allowed"
    if not caller.sees:
        return 404, "dossier_unknown"
    if not caller.acts:
        return 403, "agency_not_allowed"
    return (409, "illegal_move") if row is None else (200, f"vn.motcua.{row.fact}.v1")


@pytest.mark.parametrize("state", [State.REGISTERED, State.ACCEPTED, State.REFUSED, State.WITHDRAWN])
@pytest.mark.parametrize("action", ACTIONS)
async def test_every_caller_is_answered_by_the_table(counter: Counter, state: State, action: str) -> None:
    for name, caller in CALLERS.items():
        dossier = await in_state(counter, state, asked=action == "submit_papers")
        subject = dossier.applicant if name == "applicant" else f"{name.replace(' ', '-')}.walks"
        bearer = counter.bearer(caller.role, caller.agency, subject)
        before = await counter.facts_of(dossier.code)
        answer = await counter.act(dossier.code, action, bearer, dossier.version, BODIES.get(action))
        told = answer.json()
        status, code = expected(state, action, caller)
        assert (answer.status_code, told.get("code") if status != 200 else told["fact"]) == (status, code), name
        facts = await counter.facts_of(dossier.code)
        assert len(facts) - len(before) == (status == 200), name
        if status == 200:
            (row,) = (move for move in moves_for(state, action) if move.owner is Owner.INTAKE)
            assert told["state"] == (row.to or state)
            assert told["version"] == dossier.version + 1
