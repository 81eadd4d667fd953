"""Every pair of state and action of intake, asked over HTTP by every kind of caller, held against the table."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

import pytest

from shared.contracts.facts import State
from shared.rulebook.moves import MOVES, Move, Owner, moves_for
from tests.integration.intake.counter import COMMUNE, OTHER_COMMUNE, Counter
from tests.integration.intake.processing import Processing, fact

ACTIONS = sorted({move.action for move in MOVES if move.owner is Owner.INTAKE and None not in move.from_states})
PAPER = "giay-to-tuy-than"
PAPERS = {"papers": [{"paper_code": PAPER, "photocopies": 2}]}
BY_INTAKE = {State.REFUSED: "refuse", State.WITHDRAWN: "withdraw"}
"""State that an act of intake ends in → the act; every other one but the first comes after acceptance."""
BY_PROCESSING = {
    State.PROCESSING: "assigned",
    State.WAITING_FOR_PAPERS: "supplement_requested",
    State.WAITING_FOR_PAYMENT: "payment_demanded",
    State.STOPPED: "stopped",
    State.READY: "result_ready",
    State.HANDED_OVER: "result_handed_over",
}
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


class Dossier(NamedTuple):
    """A dossier in some state: its applicant, and the version that stands."""

    code: str
    applicant: str
    version: int


async def in_state(
    counter: Counter, processing: Processing, state: State, asked: Sequence[bool]
) -> AsyncIterator[Dossier]:
    """Register dossiers and bring each into a state; in states 1 and 5 with a paper missing where it is asked for."""
    found = []
    for ask in asked:
        name = f"walker-{next(_names)}"
        filing = await counter.filing("1.000894")
        code = (await counter.register(filing, counter.bearer("citizen", "", name))).json()["code"]
        if action := BY_INTAKE.get(state, "accept") if state is not State.REGISTERED else "ask_papers" * ask:
            answer = await counter.act(code, action, counter.bearer(), 1, BODIES.get(action))
            assert answer.status_code == 200, answer.text
        found.append((code, name))
    if kind := BY_PROCESSING.get(state):
        await processing.tell_all(
            {
                code: fact(kind, state=state, **({"papers": [PAPER] * ask} if kind == "supplement_requested" else {}))
                for (code, _), ask in zip(found, asked, strict=True)
            }
        )
    for code, name in found:
        seen = (await counter.http.get(f"/v1/registrations/{code}", headers=counter.bearer())).json()
        assert seen["state"] == state
        yield Dossier(code, name, seen["version"])


def row_of(state: State, action: str) -> Move | None:
    return next((move for move in moves_for(state, action) if move.owner is Owner.INTAKE), None)


def expected(state: State, action: str, caller: Caller) -> tuple[int, str]:
    """What the table says, in the order in which it is judged."""
    row = row_of(state, action)
    if caller.role not in {role for move in MOVES if move.action == action for role in move.roles}:
        return 403, "role_not_allowed"
    if not caller.sees:
        return 404, "dossier_unknown"
    if not caller.acts:
        return 403, "agency_not_allowed"
    return (409, "illegal_move") if row is None else (200, f"vn.motcua.{row.fact}.v1")


@pytest.mark.parametrize("state", State)
async def test_every_caller_is_answered_by_the_table(counter: Counter, processing: Processing, state: State) -> None:
    """One dossier stands every act that is refused; each that is done has one of its own."""
    asking = [*itertools.product(ACTIONS, CALLERS)]
    done = [(action, name) for action, name in asking if expected(state, action, CALLERS[name])[0] == 200]
    refused = [each for each in asking if each not in done]
    one, *own = [
        dossier async for dossier in in_state(counter, processing, state, [True, *(a != "accept" for a, _ in done)])
    ]
    assert bool(done) == any(row_of(state, action) for action in ACTIONS)
    for (action, name), dossier in zip([*refused, *done], [one] * len(refused) + own, strict=True):
        caller = CALLERS[name]
        subject = dossier.applicant if name == "applicant" else f"{name.replace(' ', '-')}.walks"
        bearer = counter.bearer(caller.role, caller.agency, subject)
        before = await counter.facts_of(dossier.code)
        answer = await counter.act(dossier.code, action, bearer, dossier.version, BODIES.get(action))
        told = answer.json()
        status, code = expected(state, action, caller)
        said = told["fact"] if answer.status_code == 200 else told["code"]
        assert (answer.status_code, said) == (status, code), (action, name)
        facts = await counter.facts_of(dossier.code)
        assert len(facts) - len(before) == (status == 200), (action, name)
        if status == 200:
            row = row_of(state, action)
            assert row is not None
            assert told["state"] == (row.to or state)
            assert told["version"] == dossier.version + 1
        elif code == "illegal_move":
            assert told["state"] == state
            assert set(told["possible"]) <= {each for each in ACTIONS if row_of(state, each)}
