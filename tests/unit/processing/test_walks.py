"""Random walks: whatever officers try, in whatever order, the flow keeps its shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.processing.domain.acts import Act, Officer
from services.processing.domain.cases import Case, Stay, Step, StepStatus
from services.processing.domain.clock import papers_arrived, restated
from services.processing.domain.duties import WORK, duties
from services.processing.domain.effects import EFFECTS
from services.processing.domain.progress import next_group
from services.processing.domain.reasons import REASONS
from services.processing.domain.refusals import Refusal
from services.processing.domain.step_folding import stays_of, steps_after
from services.processing.domain.step_times import step_times
from services.processing.domain.timers import OF_A_HALT, OF_THE_PROMISE, Timer, TimerKind, alarms_of, fire
from services.processing.domain.workflow import decide, possible
from shared.contracts import facts
from shared.contracts.facts import DossierFact, Handover, Period, Receiver, State
from shared.rulebook.catalogue import Case as Kind
from shared.rulebook.catalogue import StepMove
from shared.rulebook.pauses import EVENTS, Event, EventType, PauseKind, pauses_of
from shared.rulebook.reckoning import reckon
from tests.unit.processing.office import MONDAY, OTHER_COMMUNE, act_for, kinds, means, officer_for, opened, rules

STRAIGHT = ["assign", "sign", "number", "finish", "hand_over"]
TAKEN_BACK = {"void_signature": "sign", "reopen": "finish"}
"""What takes an act back → that act; with it goes all that came after."""
SENDING_BACK = {"return_step", "recall", "void_signature"}
RESTARTING = "receive_supplement"
"""Under one policy the first step opens again, under the other nothing does."""


BEGIN_AND_END: Mapping[type[DossierFact], EventType] = {
    facts.SupplementRequested: EventType.SUPPLEMENT_REQUESTED,
    facts.PaymentDemanded: EventType.PAYMENT_DEMANDED,
    facts.PaymentRecorded: EventType.PAYMENT_MADE,
}
"""Fact → what it begins or ends at its legal time; a supplement ends when its papers arrive."""


def times_of(step: Step) -> tuple[object, ...]:
    return step.status, step.opened_at, step.completed_at, stays_of(step)


class Dossier(RuleBasedStateMachine):
    """One dossier and everybody who may have an eye on it."""

    case: Case
    kind: Kind
    timers: dict[TimerKind, Timer]
    now: datetime
    acted_at: datetime

    @initialize(kind=st.sampled_from(kinds()))
    def open(self, kind: Kind) -> None:
        found = opened(kind)
        self.kind, self.case, self.now = kind, found.case, MONDAY
        self.timers = {timer.kind: timer for timer in found.timers}
        self.events: list[Event] = []
        self.history, self.folded = [self.case], self.case.steps
        self.acts: list[str] = []

    @rule(pick=st.integers(0, 9))
    def do_what_is_owed(self, pick: int) -> None:
        owed = duties(self.case)
        if owed:
            duty = owed[pick % len(owed)]
            self._try(act_for(duty, self.case), officer_for(duty), must=True)

    @rule(
        action=st.sampled_from(sorted(EFFECTS)),
        role=st.sampled_from(["desk", "specialist", "leader"]),
        pick=st.integers(0, 20),
        agency_pick=st.integers(0, 20),
    )
    def try_anything(self, action: str, role: str, pick: int, agency_pick: int) -> None:
        agencies = sorted({step.agency for step in self.case.steps if step.agency})
        agency, named = agencies[agency_pick % len(agencies)], agencies[pick % len(agencies)]
        communes = (OTHER_COMMUNE,) * (pick % 3)
        reasons = list(REASONS.get(action, (None,)))
        act = Act(
            *(action, None, f"specialist.{named}", named, communes),
            *(Receiver.APPLICANT, Handover.ONLINE, reasons[pick % len(reasons)]),
            to_step=pick,
            papers=(self.kind.papers[pick % len(self.kind.papers)].code,),
            amount_vnd=pick + 1,
            period=next((Period(step.period) for step in self.case.open_steps() if step.period in set(Period)), None),
        )
        self._try(act, Officer(f"{role}.{agency}", role, agency), must=False)

    @rule(hours=st.integers(1, 80))
    def let_time_pass(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        due = [timer for timer in self.timers.values() if timer.fires_at <= self.now]
        self.timers = {timer.kind: timer for timer in self.timers.values() if timer not in due}
        decision = fire(self.case, due, self.now)
        assert decision.after.steps is self.case.steps
        self.case = decision.after

    @rule(pick=st.integers(0, 9))
    def papers_arrive(self, pick: int) -> None:
        halt = self.case.last_halt(PauseKind.SUPPLEMENT)
        missing = halt.missing[: pick % 2] if halt is not None else ()
        after = papers_arrived(self.case, missing, self.now)
        if after is not self.case:
            if not missing:
                self.events.append(Event(self.now, EventType.SUPPLEMENT_COMPLETED))
            self._became(restated(after, self.kind, means().calendar))

    @rule()
    def he_wants_it_back(self) -> None:
        self.case = replace(self.case, withdrawal_requested_at=self.now)

    def _became(self, after: Case) -> None:
        alarms = alarms_of(self.case, after, means(), self.now)
        left = {kind: timer for kind, timer in self.timers.items() if kind not in alarms.dropped}
        self.timers = {**left, **{timer.kind: timer for timer in alarms.set}}
        self.case = after

    def _remember(self, fact: DossierFact) -> None:
        """Fold what the facts say of the clock, as anybody could who reads them."""
        told = BEGIN_AND_END.get(type(fact))
        if told is not None:
            self.events.append(Event(self.now, told))
        if isinstance(fact, facts.ClockPaused | facts.ClockResumed):
            begins, ends = EVENTS[PauseKind(fact.period)]
            self.events.append(Event(self.now, begins if isinstance(fact, facts.ClockPaused) else ends))

    def _try(self, act: Act, officer: Officer, *, must: bool) -> None:
        try:
            decision = decide(self.case, act, officer, self.now, seen_version=self.case.version, means=means())
        except Refusal:
            assert not must, (act, officer)
            return
        assert len(decision.facts) == 1
        assert decision.after.version == self.case.version + 1
        self._remember(decision.facts[0].fact)
        self.folded = steps_after(self.folded, decision.facts[0].fact, self.now)
        self._became(decision.after)
        self.history.append(self.case)
        self.acts.append(act.action)
        self.acted_at = self.now

    @rule(pick=st.integers(0, 9), action=st.sampled_from(sorted(SENDING_BACK)))
    def send_it_back(self, pick: int, action: str) -> None:
        """Whoever completed a step, or holds one, wants it done again."""
        for step in self.case.steps[::-1]:
            officer = Officer(step.holder or f"{step.role}.{step.agency}", step.role, step.agency)
            if action in possible(self.case, officer, self.now, rules().agencies):
                reason = next(iter(REASONS.get(action, (None,))))
                done = [earlier.no for earlier in self.case.steps if earlier.is_done and earlier.move in WORK]
                to_step = done[pick % len(done)] if done else None
                self._try(Act(action, reason=reason, to_step=to_step), officer, must=True)
                return

    @invariant()
    def no_step_is_completed_twice_and_only_what_is_sent_back_is_undone(self) -> None:
        if len(getattr(self, "history", [])) < 2:
            return
        before, after = self.history[-2:]
        sent_back = self.acts[-1] in SENDING_BACK
        completed = sum(step.is_done for step in after.steps) - sum(step.is_done for step in before.steps)
        if self.acts[-1] == RESTARTING and after.state is State.ACCEPTED:
            assert not after.some_step_completed
            return
        for old, new in zip(before.steps, after.steps, strict=True):
            if old.is_done and not sent_back:
                assert new == old
        assert completed < 0 if sent_back else completed in {0, 1}

    @invariant()
    def every_stay_is_kept_and_none_begins_before_the_last_was_over(self) -> None:
        if len(getattr(self, "history", [])) < 2:
            return
        before, after = self.history[-2:]
        for old, new in zip(before.steps, after.steps, strict=True):
            assert new.earlier[: len(old.earlier)] == old.earlier
            if new.opened_at != old.opened_at and old.opened_at is not None:
                left_at = before.finished_at if self.acts[-1] == "reopen" else old.completed_at
                assert new.earlier[len(old.earlier) :] == (Stay(old.opened_at, left_at or self.acted_at),)
            over = [moment for stay in new.earlier for moment in stay]
            assert sorted(over) == over
            assert new.opened_at is None or not over or over[-1] <= new.opened_at

    @invariant()
    def the_stays_at_the_steps_are_those_of_a_refold_of_the_facts(self) -> None:
        if hasattr(self, "case"):
            assert list(map(times_of, self.folded)) == list(map(times_of, self.case.steps))

    @invariant()
    def what_a_dossier_is_late_by_is_somebodys_to_the_second(self) -> None:
        if not hasattr(self, "case"):
            return
        found = step_times(self.case, self.kind, means().calendar, self.now)
        if found.lateness is not None:
            assert sum(found.lateness.parts, found.lateness.desk) == found.lateness.total
            assert not (found.lateness.desk and any(clock.overrun for clock in found.clocks))

    @invariant()
    def open_steps_are_one_group_with_everything_before_them_complete(self) -> None:
        if not hasattr(self, "case") or self.case.state is State.HANDED_OVER:
            return
        is_open = list(self.case.open_steps())
        assert is_open
        assert len(is_open) == 1 or len({step.group for step in is_open}) == 1
        before = [step for step in self.case.steps if step.no < is_open[0].no]
        assert all(step.is_done for step in before)
        assert all(step.status is StepStatus.WAITING for step in next_group(self.case.steps))

    @invariant()
    def both_due_moments_are_those_of_a_refold_of_the_facts(self) -> None:
        if not hasattr(self, "case"):
            return
        pauses, calendar = pauses_of(self.events), means().calendar
        for limit, due, since in (
            (self.kind.statutory_limit, self.case.statutory_due, self.case.statutory_paused_since),
            (self.kind.promised_limit, self.case.promised_due, self.case.promised_paused_since),
        ):
            stands = reckon(calendar, limit, MONDAY, pauses, self.kind.supplement_policy)
            assert (stands.paused_since, stands.due_at or due) == (since, due)

    @invariant()
    def every_timer_that_is_owed_stands(self) -> None:
        if not hasattr(self, "case"):
            return
        case, kinds = self.case, set(self.timers)
        if case.is_over:
            assert kinds == set()
        elif case.promised_paused_since is not None:
            assert not kinds & set(OF_THE_PROMISE)
        elif case.promised_due > self.now:
            assert self.timers[TimerKind.BECOME_OVERDUE].due_at == case.promised_due
        assert self.timers.keys() <= {*OF_THE_PROMISE, *(OF_A_HALT[halt.kind] for halt in case.halts if halt.limit_at)}

    @invariant()
    def signature_number_finish_and_hand_over_come_in_this_order(self) -> None:
        if not hasattr(self, "case"):
            return
        case = self.case
        done: list[str] = []
        for action, after in zip(self.acts, self.history[1:], strict=True):
            if action == RESTARTING and after.state is State.ACCEPTED:
                done = []
            if action in TAKEN_BACK:
                assert TAKEN_BACK[action] in done
                done = done[: done.index(TAKEN_BACK[action])]
            if action in STRAIGHT:
                done.append(action)
                assert done == STRAIGHT[: len(done)]
        assert case.version == 1 + len(self.acts)
        assert (case.result_number is None) or case.signature is not None
        assert (case.finished_at is not None) == (case.state in {State.READY, State.HANDED_OVER})
        assert (case.handed_over_at is not None) == case.steps[-1].is_done
        assert self.acts.count("send_apology") <= 1
        assert case.corrected_at is None or case.state is State.HANDED_OVER
        assert case.steps[-1].move is StepMove.HAND_OVER


TestDossier = Dossier.TestCase
TestDossier.settings = settings(max_examples=60, stateful_step_count=40)
