"""The workflow: an act on a dossier is looked up in the table, judged by its conditions, and changes the case.

Pure: the case, the rules and the time come in, a decision goes out. The table is `shared.rulebook.moves`; the
predicates stand in `conditions`, the agencies of each act in `sites`, what each act does in `effects`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.processing.domain.acts import Act, Officer
from services.processing.domain.cases import Case
from services.processing.domain.changing import Drafted, Means
from services.processing.domain.conditions import BEFORE_ANYTHING_IS_SAID, CONDITIONS
from services.processing.domain.effects import EFFECTS
from services.processing.domain.refusals import (
    ConditionNotMet,
    IllegalMove,
    NotAllowed,
    Refusal,
    StaleVersion,
    UnknownAction,
)
from services.processing.domain.sites import situate
from services.processing.domain.situations import Condition, Situation
from shared.contracts.facts import DossierFact
from shared.rulebook.agencies import Agencies
from shared.rulebook.moves import MOVES, Move, Owner, is_action, moves_for

OURS = tuple(move for move in MOVES if move.owner is Owner.PROCESSING)
ROLES_OF = {
    action: frozenset(role for move in OURS if move.action == action for role in move.roles)
    for action in {move.action for move in OURS}
}
"""Processing's actions, each with every role that may do it in some state."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What an act or a timer changes: the case before and after, and the facts to publish, in order."""

    before: Case
    after: Case
    facts: tuple[Drafted, ...]


def check_action(action: str, role: str) -> None:
    """Refuse what no dossier could allow: an unknown action, one of intake's, another role's."""
    if not is_action(action):
        raise UnknownAction("action_unknown", "There is no such act.")
    if action not in ROLES_OF:
        raise UnknownAction("action_unknown", "Intake does this.")
    if role not in ROLES_OF[action]:
        raise NotAllowed("role_not_allowed", "Another role does this.")


def decide(case: Case, act: Act, officer: Officer, now: datetime, *, seen_version: int, means: Means) -> Decision:
    """Judge one act of an officer and say what it changes. Raises Refusal."""
    check_action(act.action, officer.role)
    asked = _asked(case, act, officer, now, means)
    _check_standing(asked)
    if seen_version != case.version:
        raise StaleVersion(case.version)
    try:
        after, fact = _do(asked, means)
    except Refusal as refusal:
        refusal.state, refusal.possible = case.state, possible(case, officer, now, means.agencies)
        raise
    return Decision(case, after, (Drafted(fact, now),))


def _asked(case: Case, act: Act, officer: Officer, now: datetime, means: Means) -> Situation:
    kind = means.kind_of(case)
    pinned = frozenset(paper.code for paper in kind.papers)
    return Situation(case, act, officer, now, means.agencies, pinned_papers=pinned, policy=kind.supplement_policy)


def _do(asked: Situation, means: Means) -> tuple[Case, DossierFact]:
    seen, move = _admitted_by_one(asked, CONDITIONS)
    return EFFECTS[asked.act.action](seen, move, means)


def _admitted_by_one(asked: Situation, conditions: Mapping[str, Condition]) -> tuple[Situation, Move]:
    """Find the row of the table that admits an act: where there are several, their conditions tell them apart.

    Raises the refusal of the first.
    """
    refusals: list[Refusal] = []
    for move in the_moves(asked.case, asked.act.action):
        try:
            return _admitted(asked, move, conditions), move
        except Refusal as refusal:
            refusals.append(refusal)
    raise refusals[0]


def _admitted(asked: Situation, move: Move, conditions: Mapping[str, Condition]) -> Situation:
    """Find the step of an act; refuse it by role, agency and conditions, in the order of the table."""
    if asked.officer.role not in move.roles:
        raise NotAllowed("role_not_allowed", "Another role does this.")
    seen = situate(asked)
    for code in move.conditions:
        if not conditions[code](seen):
            raise ConditionNotMet(code)
    return seen


def possible(case: Case, officer: Officer, now: datetime, agencies: Agencies) -> tuple[str, ...]:
    """List the acts that an officer may do on a dossier now, whatever each has to say."""
    return tuple(action for action in EFFECTS if _is_possible(Situation(case, Act(action), officer, now, agencies)))


def _is_possible(asked: Situation) -> bool:
    try:
        _admitted_by_one(asked, BEFORE_ANYTHING_IS_SAID)
    except Refusal:
        return False
    return True


def the_moves(case: Case, action: str) -> tuple[Move, ...]:
    """Find the rows of the table for an action in the case's state. Raises IllegalMove."""
    found = tuple(move for move in moves_for(case.state, action) if move.owner is Owner.PROCESSING)
    if not found:
        raise IllegalMove("illegal_move")
    return found


def _check_standing(asked: Situation) -> None:
    """Refuse a superior, who may read the dossier but has no part in it, before he is told that it has changed."""
    if not any(map(asked.is_ours, asked.case.agencies)):
        raise NotAllowed("agency_not_allowed", "Nothing here waits for your agency.")
