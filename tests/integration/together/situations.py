"""Where a dossier can stand, how it comes there by legal moves, and what the law answers to each act there.

The table is read from the law's file; which conditions hold in a situation is said here by hand. Nothing of the
services is asked, so that what they answer can be held against it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.integration.intake.counter import COMMUNE, DISTRICT_DESK

LAW = Path(__file__).parents[3] / "shared" / "rulebook" / "law"
INTAKE, PROCESSING = "intake", "processing"
ROLES = ("citizen", "desk", "specialist", "leader", "auditor")
ACTORS = {INTAKE: frozenset(ROLES) - {"auditor"}, PROCESSING: frozenset(ROLES) - {"auditor", "citizen"}}
"""Who may ask a service for any act at all."""
JUSTICE, THIRD_COMMUNE = "H56.97.04", "H56.97.23"


class Row(NamedTuple):
    """One line of the law's table; `to` is empty where the state stays."""

    no: int
    states: tuple[str, ...]
    action: str
    to: str
    owner: str
    roles: tuple[str, ...]
    conditions: tuple[str, ...]
    fact: str


def _rows() -> Iterator[Row]:
    with (LAW / "moves.csv").open(encoding="utf-8", newline="") as file:
        for no, row in enumerate(csv.DictReader(file), 1):
            yield Row(
                no,
                tuple(row["from"].split("|")),
                row["action"],
                row["to"].strip("="),
                row["owner"],
                tuple(row["roles"].split("|")),
                tuple(row["conditions"].split(";")) if row["conditions"] else (),
                f"vn.motcua.{row['fact']}.v1",
            )


ROWS = tuple(_rows())
BEGINNINGS = {row.action: row for row in ROWS if row.states == ("-",)}
ACTS = {
    service: tuple(dict.fromkeys(row.action for row in ROWS if row.owner == service))
    for service in (INTAKE, PROCESSING)
}
OWNER = {row.action: row.owner for row in ROWS}
STATES = tuple(str(state) for state in range(1, 11))

OPPOSITES = (
    ("signed", "not_signed"),
    ("numbered", "not_numbered"),
    ("paused_by_period", "not_paused"),
    ("not_first_request", "first_request"),
    ("some_step_completed", "no_step_completed"),
    ("withdrawal_requested", "not_requested_before"),
    ("policy_restart", "policy_resume"),
    ("came_from_2", "came_from_4"),
    ("papers_were_asked", "papers_complete"),
    ("an apology was sent", "no_apology_before"),
)
"""What takes the place of what else holds: one of the two does."""
SAID = (
    *("reason_listed", "receiver_named", "officer_of_first_open_step", "officer_of_same_agency"),
    *("papers_of_pinned_list", "paid_in_full"),
)
"""Conditions of what an act says: whatever is said here is right."""
USUAL = frozenset((*SAID, "not_paid", *(usual for _, usual in OPPOSITES)))


def _holding(*said: str) -> frozenset[str]:
    """What usually holds, but for what these take the place of, and these."""
    return (USUAL - {usual for instead, usual in OPPOSITES if instead in said}) | set(said)


class Kind(NamedTuple):
    """A procedure, its place of reception, and the agencies of the officers who are not that place's."""

    procedure: str
    place: str = COMMUNE
    elsewhere: Mapping[str, str] = {}

    def agency(self, role: str) -> str:
        return self.elsewhere.get(role, self.place)


MARITAL_STATUS = Kind("1.004873")
POOR_HOUSEHOLD = Kind("1.011607")
LAND = Kind("1.012784")
BIRTH_ABROAD = Kind("2.000528", DISTRICT_DESK, {"specialist": JUSTICE, "leader": JUSTICE})
ALLOWANCE = Kind("1.010803")


@dataclass(frozen=True)
class Situation:
    """A dossier in a state: how it came there, phase by phase of the clock, and the conditions that hold there now.

    `of` are those that hold for one role's officer alone. `only` are the acts that are looked at where the others'
    agencies are not the ones of `callers`.
    """

    name: str
    state: str
    paths: tuple[str, ...]
    holds: frozenset[str] = USUAL
    of: Mapping[str, str] = field(default_factory=dict)
    kind: Kind = MARITAL_STATUS
    only: tuple[str, ...] = ()
    callers: Mapping[str, str] = field(default_factory=dict)
    asked: bool = False

    @property
    def accepted(self) -> bool:
        """Whether processing knows of it."""
        return "accept:" in self.paths[0]

    def roles(self) -> Sequence[str]:
        return tuple(self.callers) if self.only else ROLES

    def agency(self, role: str) -> str:
        return "" if role == "citizen" else self.callers.get(role, self.kind.agency(role))

    def failing(self, row: Row, role: str) -> str:
        """The first condition of a row that does not hold for an officer in that role; empty when all do."""
        holds = self.holds | set(self.of.get(role, "").split())
        return next((code for code in row.conditions if code not in holds), "")


class Verdict(NamedTuple):
    """What the law answers to an act: its fact's type or the problem's code, and the row that allows it."""

    status: int
    says: str
    row: Row | None = None


def judge(here: Situation, service: str, action: str, role: str) -> Verdict:
    """Answer an act by the law's table alone, in the order in which it is judged."""
    rows = [row for row in ROWS if (row.owner, row.action) == (service, action)]
    there = [row for row in rows if here.state in row.states]
    refusals = (
        (role not in ACTORS[service], Verdict(403, "role_not_allowed")),
        (action in BEGINNINGS, Verdict(404, "action_unknown")),
        (not any(role in row.roles for row in rows), Verdict(403, "role_not_allowed")),
        (service == PROCESSING and not here.accepted, Verdict(404, "dossier_unknown")),
        (not there, Verdict(409, "illegal_move")),
        (action == "answer_agency" and not here.asked, Verdict(403, "agency_not_allowed")),
    )
    for refused, verdict in refusals:
        if refused:
            return verdict
    failing = {row: here.failing(row, role) for row in there}
    allowed = next((row for row in there if not failing[row]), None)
    return Verdict(409, failing[there[0]]) if allowed is None else Verdict(200, allowed.fact, allowed)


def possible(here: Situation, service: str, role: str) -> set[str]:
    """The acts of a service that the law allows somebody there."""
    return {action for action in ACTS[service] if judge(here, service, action, role).row is not None}


def body_of(action: str, kind: Kind, paper: Mapping[str, Any]) -> dict[str, Any]:
    """What is said beside the act's name, so that every condition of what is said holds."""
    specialist = kind.agency("specialist")
    named = {"officer": f"specialist.{specialist}", "agency": specialist}
    papers = {"papers": [paper["paper_code"]]}
    return {
        **dict.fromkeys(("assign", "reassign"), named),
        **dict.fromkeys(("request_supplement", "propose_supplement"), papers),
        **{each: {"amount_vnd": 15_000} for each in ("demand_payment", "record_payment")},
        **{each: {"reason": "result_faulty"} for each in ("void_signature", "reopen")},
        "return_step": {"to_step": 2, "reason": "incomplete"},
        "ask_agency": {"agency": THIRD_COMMUNE},
        "pause": {"period": "survey"},
        "correct_result": {"reason": "clerical_error"},
        "hand_over": {"receiver": "applicant", "handover": "desk"},
        "send_apology": {"reason": "workload"},
        "ask_papers": {"papers": [{"paper_code": paper["paper_code"]}]},
        "submit_papers": {"papers": [paper]},
        "refuse": {"reason": "not_eligible"},
    }.get(action, {})


REGISTERED = "register_online:citizen"
ACCEPTED = f"{REGISTERED} accept:desk"
ASSIGNED = f"{ACCEPTED} assign:desk"
FORWARDED = f"{ASSIGNED} forward:specialist"
SIGNED = f"{FORWARDED} sign:leader"
NUMBERED = f"{SIGNED} number:desk"
READY = f"{NUMBERED} finish:desk"
ASKED_FOR_PAPERS = f"{ASSIGNED} request_supplement:specialist"
ARRIVED = f"{ASKED_FOR_PAPERS} submit_papers:citizen"
DEMANDED = f"{ASSIGNED} demand_payment:specialist"
WANTED_BACK = "request_withdrawal:citizen"
HIS_STEP = {"specialist": "step_open_here step_not_taken holder_of_step step_is_work"}
TO_BE_SIGNED = {
    "leader": "step_open_here step_not_taken step_is_sign",
    "specialist": "previous_holder next_step_not_taken",
}
THE_DESKS = {"desk": "holder_of_step"}


def _at(state: str, name: str, path: str, *holds: str, later: tuple[str, ...] = (), **details: Any) -> Situation:
    return Situation(name, state, (path, *later), _holding(*holds), **details)


SITUATIONS = (
    _at("1", "registered", REGISTERED),
    _at("1", "papers asked for", f"{REGISTERED} ask_papers:desk", "papers_were_asked"),
    _at("2", "accepted", ACCEPTED),
    _at("2", "to be withdrawn", f"{ACCEPTED} {WANTED_BACK}", "withdrawal_requested"),
    _at("3", "refused at registration", f"{REGISTERED} refuse:desk"),
    _at("7", "withdrawn at registration", f"{REGISTERED} withdraw:citizen"),
    _at("7", "withdrawn", f"{ACCEPTED} {WANTED_BACK} withdraw:desk", "withdrawal_requested"),
    _at("8", "stopped", f"{FORWARDED} {WANTED_BACK} stop:leader", "withdrawal_requested", "some_step_completed"),
    _at("9", "ready", READY, "signed", "numbered", "some_step_completed"),
    _at("10", "handed over", f"{READY} hand_over:desk", "signed", "numbered", "some_step_completed"),
    _at("4", "assigned", ASSIGNED, of=HIS_STEP),
    _at("4", "to be withdrawn", f"{ASSIGNED} {WANTED_BACK}", "withdrawal_requested", of=HIS_STEP),
    _at("4", "to be signed", FORWARDED, "some_step_completed", of=TO_BE_SIGNED),
    _at(
        "4",
        "to be stopped",
        f"{FORWARDED} {WANTED_BACK}",
        *("some_step_completed", "withdrawal_requested"),
        of=TO_BE_SIGNED,
    ),
    _at(
        "4",
        "in the signer's hands",
        f"{FORWARDED} take:leader",
        "some_step_completed",
        of={
            "leader": "step_open_here step_is_sign holder_of_step step_was_completed",
            "specialist": "previous_holder",
        },
    ),
    _at("4", "signed", SIGNED, "signed", "some_step_completed", of=THE_DESKS),
    _at(
        "4",
        "numbered",
        NUMBERED,
        *("signed", "numbered", "some_step_completed", "only_hand_over_left"),
        of=THE_DESKS,
    ),
    _at("4", "after a supplement", f"{ARRIVED} receive_supplement:desk", "not_first_request", of=HIS_STEP),
    _at(
        "4",
        "a supplement proposed",
        f"{ARRIVED} receive_supplement:desk propose_supplement:specialist",
        *("not_first_request", "supplement_proposed"),
        of=HIS_STEP,
    ),
    _at(
        "4",
        "another agency asked",
        f"{ASSIGNED} ask_agency:specialist",
        "asked_agency",
        only=("answer_agency",),
        callers=dict.fromkeys(("specialist", "leader"), THIRD_COMMUNE),
        asked=True,
    ),
    _at(
        "4",
        "another agency has answered",
        f"{ASSIGNED} ask_agency:specialist answer_agency:leader@{THIRD_COMMUNE}",
        only=("answer_agency",),
        callers=dict.fromkeys(("specialist", "leader"), THIRD_COMMUNE),
        asked=True,
    ),
    _at(
        "4",
        "at a period's step",
        ASSIGNED,
        kind=POOR_HOUSEHOLD,
        of={"specialist": f"{HIS_STEP['specialist']} period_of_open_step", "leader": "period_of_open_step"},
    ),
    _at(
        "4",
        "in a period",
        f"{ASSIGNED} pause:specialist",
        "paused_by_period",
        kind=POOR_HOUSEHOLD,
        of={"specialist": f"{HIS_STEP['specialist']} period_of_open_step", "leader": "period_of_open_step"},
    ),
    _at(
        "4",
        "in the hands of a second step's specialist",
        f"{FORWARDED} take:specialist",
        "some_step_completed",
        kind=POOR_HOUSEHOLD,
        of={"specialist": "step_open_here holder_of_step step_is_work step_was_completed previous_holder"},
    ),
    _at(
        "4",
        "in the head of office's hands",
        f"{FORWARDED} take:leader",
        kind=BIRTH_ABROAD,
        only=("take", "forward", "return_step", "recall", "ask_agency"),
        callers=BIRTH_ABROAD.elsewhere,
        of={
            "leader": "step_open_here holder_of_step step_is_work step_was_completed",
            "specialist": "previous_holder step_was_completed",
        },
    ),
    _at(
        "4",
        "passed on by the head of office",
        f"{FORWARDED} take:leader forward:leader",
        kind=BIRTH_ABROAD,
        only=("recall",),
        callers=BIRTH_ABROAD.elsewhere,
        of={"leader": "previous_holder next_step_not_taken"},
    ),
    _at(
        "4",
        "at another desk's step",
        FORWARDED,
        kind=ALLOWANCE,
        only=("forward", "return_step"),
        callers={"desk": DISTRICT_DESK},
        of={"desk": "holder_of_step step_is_work step_was_completed"},
    ),
    _at(
        "4",
        "passed on by another desk",
        f"{FORWARDED} forward:desk@{DISTRICT_DESK}",
        kind=ALLOWANCE,
        only=("recall",),
        callers={"desk": DISTRICT_DESK},
        of={"desk": "previous_holder next_step_not_taken"},
    ),
    _at("5", "papers missing", ASKED_FOR_PAPERS, "papers_were_asked"),
    _at("5", "papers arrived", ARRIVED, "everything_arrived"),
    _at(
        "5",
        "papers arrived that were asked for before anybody was assigned",
        f"{ACCEPTED} request_supplement:desk submit_papers:citizen",
        *("everything_arrived", "came_from_2"),
    ),
    _at(
        "5",
        "papers arrived, and the limit runs again",
        f"{ACCEPTED} request_supplement:desk submit_papers:citizen",
        *("everything_arrived", "came_from_2", "policy_restart"),
        kind=LAND,
        only=("receive_supplement",),
        callers={"desk": COMMUNE},
    ),
    _at(
        "5",
        "to be withdrawn",
        f"{ASKED_FOR_PAPERS} {WANTED_BACK}",
        *("papers_were_asked", "withdrawal_requested"),
    ),
    _at(
        "5",
        "to be stopped",
        f"{FORWARDED} request_supplement:specialist {WANTED_BACK}",
        *("papers_were_asked", "withdrawal_requested", "some_step_completed"),
    ),
    _at("6", "payment demanded", DEMANDED),
    _at("6", "to be withdrawn", f"{DEMANDED} {WANTED_BACK}", "withdrawal_requested"),
    _at(
        "6",
        "to be stopped",
        f"{FORWARDED} demand_payment:desk {WANTED_BACK}",
        *("withdrawal_requested", "some_step_completed"),
    ),
    _at("2", "an apology drafted", ACCEPTED, "draft_open", later=("",)),
    _at("4", "an apology drafted", ASSIGNED, "draft_open", later=("",), of=HIS_STEP),
    _at(
        "4",
        "an apology sent",
        ASSIGNED,
        *("draft_open", "an apology was sent"),
        later=("send_apology:leader",),
        of=HIS_STEP,
    ),
    _at(
        "5",
        "an apology drafted",
        ASSIGNED,
        *("draft_open", "papers_were_asked"),
        later=("request_supplement:specialist",),
    ),
    _at("6", "an apology drafted", ASSIGNED, "draft_open", later=("demand_payment:specialist",)),
    _at("2", "overdue", ACCEPTED, "draft_open", later=("", "", "")),
    _at("4", "overdue", ASSIGNED, "draft_open", later=("", "", ""), of=HIS_STEP),
    _at(
        "5",
        "papers arrived in time, and the limit has passed",
        ARRIVED,
        *("everything_arrived", "supplement_limit_passed", "draft_open"),
        later=("", "", ""),
    ),
    _at(
        "5",
        "papers missing, and the limit has passed",
        ASKED_FOR_PAPERS,
        *("papers_were_asked", "supplement_limit_passed", "not_everything_arrived_in_time"),
        later=("", "", ""),
    ),
    _at("3", "refused after the limit", ASKED_FOR_PAPERS, later=("", "", "refuse_after_limit:desk")),
    _at("6", "the limit to pay has passed", DEMANDED, "payment_limit_passed", later=("", "", "")),
    _at(
        "6",
        "payment demanded at the due moment itself",
        ASSIGNED,
        "draft_open",
        later=("", "demand_payment:specialist", ""),
    ),
)
