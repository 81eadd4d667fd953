"""Each act by the right officer, and by every other role and agency: the table says who may, and nobody else does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from services.processing.domain.acts import Act, Officer
from services.processing.domain.cases import Case
from services.processing.domain.clock import papers_arrived, with_halt
from services.processing.domain.duties import duties
from services.processing.domain.effects import EFFECTS
from services.processing.domain.reasons import REASONS, ApologyReason, ReturnReason
from services.processing.domain.refusals import NotAllowed
from services.processing.domain.workflow import ROLES_OF, decide, possible
from shared.contracts.facts import Period
from shared.roles import Role
from tests.unit.processing.office import MONDAY, OTHER_COMMUNE, act_for, do, kind_of, means, officer_for, opened, rules
from tests.unit.processing.test_workflow import OWED, at_duty, refused

LAND = kind_of("1.012784")
REGISTRY = "H56.92.01"
ANNA, BOSS = Officer(f"specialist.{REGISTRY}", "specialist", REGISTRY), Officer("boss", "leader", REGISTRY)
CLERK = Officer("clerk", "desk", opened(LAND).case.received_by)
PAPERS = (LAND.papers[0].code,)
DEMAND = Act("demand_payment", amount_vnd=5)
Scene = tuple[Case, Act, Officer]


def owed(action: str) -> Scene:
    case, duty = at_duty(LAND, action)
    return case, act_for(duty, case), officer_for(duty)


def after(action: str) -> Case:
    return do(*at_duty(LAND, action)).after


def surveyed() -> Case:
    """The survey is done, and Anna has taken the examination that follows."""
    return _acted(after("assign"), Act("forward"), ANNA)


def _acted(case: Case, act: Act, officer: Officer) -> Case:
    return decide(case, act, officer, MONDAY, seen_version=case.version, means=means()).after


def asked() -> Case:
    return _acted(after("assign"), Act("ask_agency", agency=OTHER_COMMUNE), ANNA)


def ready() -> Case:
    return after("finish")


def waiting_for_papers() -> Case:
    return _acted(after("assign"), Act("request_supplement", papers=PAPERS), ANNA)


def arrived() -> Case:
    return papers_arrived(waiting_for_papers(), (), MONDAY)


def supplemented() -> Case:
    """Papers were asked for once and have come; the officers are at work again."""
    received = _acted(arrived(), Act("receive_supplement"), CLERK)
    return do(received, duties(received)[0]).after


def overdrawn(case: Case) -> Case:
    """The applicant's limit is in the past."""
    (halt,) = case.halts
    return with_halt(case, replace(halt, limit_at=MONDAY - timedelta(seconds=1)))


def wanted_back(case: Case) -> Case:
    return replace(case, withdrawal_requested_at=MONDAY)


def _reasoned(action: str) -> Act:
    return Act(action, reason=next(iter(REASONS[action])))


SCENES: Mapping[str, Callable[[], Scene]] = {
    **{action: (lambda action=action: owed(action)) for action in OWED},  # type: ignore[misc]
    "send_apology": lambda: (
        replace(opened(LAND).case, draft_opened_at=MONDAY),
        Act("send_apology", reason=ApologyReason.WORKLOAD),
        BOSS,
    ),
    "return_step": lambda: (
        _acted(surveyed(), Act("take"), ANNA),
        Act("return_step", to_step=2, reason=ReturnReason.INCOMPLETE),
        ANNA,
    ),
    "recall": lambda: (surveyed(), Act("recall"), ANNA),
    "reassign": lambda: (surveyed(), Act("reassign", officer="bob", agency=REGISTRY), BOSS),
    "ask_agency": lambda: (after("assign"), Act("ask_agency", agency=OTHER_COMMUNE), ANNA),
    "answer_agency": lambda: (asked(), Act("answer_agency"), Officer("x", "specialist", OTHER_COMMUNE)),
    "void_signature": lambda: (after("sign"), _reasoned("void_signature"), BOSS),
    "reopen": lambda: (ready(), _reasoned("reopen"), BOSS),
    "correct_result": lambda: (do(ready(), duties(ready())[0]).after, _reasoned("correct_result"), BOSS),
    "request_supplement": lambda: (after("assign"), Act("request_supplement", papers=PAPERS), ANNA),
    "propose_supplement": lambda: (supplemented(), Act("propose_supplement", papers=PAPERS), ANNA),
    "approve_supplement": lambda: (
        _acted(supplemented(), Act("propose_supplement", papers=PAPERS), ANNA),
        Act("approve_supplement"),
        BOSS,
    ),
    "receive_supplement": lambda: (arrived(), Act("receive_supplement"), CLERK),
    "refuse_after_limit": lambda: (overdrawn(waiting_for_papers()), Act("refuse_after_limit"), CLERK),
    "demand_payment": lambda: (after("assign"), DEMAND, ANNA),
    "record_payment": lambda: (_acted(after("assign"), DEMAND, ANNA), Act("record_payment", amount_vnd=5), CLERK),
    "stop_unpaid": lambda: (overdrawn(_acted(after("assign"), DEMAND, ANNA)), Act("stop_unpaid"), BOSS),
    "pause": lambda: (after("assign"), Act("pause", period=Period.SURVEY), ANNA),
    "resume": lambda: (_acted(after("assign"), Act("pause", period=Period.SURVEY), ANNA), Act("resume"), ANNA),
    "withdraw": lambda: (wanted_back(opened(LAND).case), Act("withdraw"), CLERK),
    "stop": lambda: (wanted_back(surveyed()), Act("stop"), BOSS),
}
"""Action → a dossier, the act, and an officer who may do it there."""


def test_every_act_has_its_scene() -> None:
    assert set(SCENES) == set(EFFECTS)


@pytest.mark.parametrize("action", sorted(SCENES))
def test_the_right_officer_may_and_is_told_so(action: str) -> None:
    case, act, officer = SCENES[action]()
    assert action in possible(case, officer, MONDAY, rules().agencies)
    changed = _acted(case, act, officer)
    assert changed.version == case.version + 1


@pytest.mark.parametrize("action", sorted(SCENES))
def test_every_role_that_the_table_does_not_name_is_refused(action: str) -> None:
    case, act, officer = SCENES[action]()
    others = {role.value for role in Role} - ROLES_OF[action]
    assert others >= {"citizen", "auditor", "operator", "service"}
    for role in others:
        found = refused(case, act, replace(officer, role=role))
        assert (type(found), found.code) == (NotAllowed, "role_not_allowed")


@pytest.mark.parametrize("action", sorted(SCENES))
def test_no_other_agency_does_it_not_even_a_superior(action: str) -> None:
    case, act, officer = SCENES[action]()
    for agency in {"H56.97", "H56.90", "H56.97.04", "H56.97.30", "", "unheard-of", *case.agencies} - {officer.agency}:
        stranger = replace(officer, agency=agency)
        assert action not in possible(case, stranger, MONDAY, rules().agencies)
        found = refused(case, act, stranger)
        assert (type(found), found.code) == (NotAllowed, "agency_not_allowed")
