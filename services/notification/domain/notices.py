"""Which facts a citizen is told, and which not: one table over every type of the lifecycle topic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from shared.contracts import facts
from shared.rulebook.catalogue import Catalogue, Paper

AskingForPapers: TypeAlias = facts.PapersRequested | facts.SupplementRequested
"""What names papers of the pinned list, before acceptance and after it."""


class Policy(StrEnum):
    """What is done when nobody knows whether a message went out (the answer was lost, or we were killed)."""

    AT_LEAST_ONCE = "at_least_once"
    """It is sent again with the same reference: the law wants the citizen told."""
    AT_MOST_ONCE = "at_most_once"
    """It is left: a second one would mislead, or the news can be had elsewhere."""


@dataclass(frozen=True)
class Notice:
    """A fact that is told. `moments` and `codes` name the fields of the fact that the text shows.

    With `changes` it is told only where that field is another than `previous_…` beside it.
    """

    template: str
    policy: Policy
    moments: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    changes: str = ""

    def concerns(self, fact: facts.Fact) -> bool:
        """Whether the citizen is told of this one."""
        return not self.changes or getattr(fact, self.changes) != getattr(fact, f"previous_{self.changes}")

    def parameters(self, fact: facts.Fact, catalogue_of: Callable[[str], Catalogue]) -> dict[str, str]:
        """Return what the text needs of the fact: moments as RFC 3339, codes, papers by name; nothing about people.

        `catalogue_of` finds a version of the catalogue.
        """
        return {
            **{name: getattr(fact, name).isoformat() for name in self.moments},
            **{name: str(getattr(fact, name)) for name in self.codes},
            **(papers_named(fact, catalogue_of) if isinstance(fact, AskingForPapers) else {}),
        }


def papers_named(fact: AskingForPapers, catalogue_of: Callable[[str], Catalogue]) -> dict[str, str]:
    """Name the papers that are asked for and their counts, as the pinned list has them (Mẫu 02)."""
    case = catalogue_of(fact.catalogue_version).case(fact.procedure_code, fact.case_code)
    papers = [paper for paper in case.papers if paper.code in fact.papers]
    return {
        "papers": str(len(papers)),
        "papers_vi": "\n".join(f"- {paper.name_vi} ({_counts(paper, COUNTED_VI)})" for paper in papers),
        "papers_en": "\n".join(f"- {paper.name_en} ({_counts(paper, COUNTED_EN)})" for paper in papers),
    }


COUNTED_VI = ("bản chính", "bản sao chứng thực", "bản chụp")
COUNTED_EN = ("originals", "certified copies", "photocopies")
"""In the order in which a paper counts them."""


def _counts(paper: Paper, names: tuple[str, ...]) -> str:
    numbers = (paper.originals, paper.certified, paper.photocopies)
    return ", ".join(f"{name}: {number}" for name, number in zip(names, numbers, strict=True) if number)


@dataclass(frozen=True)
class NoNotice:
    """A fact that is not told, and why."""

    reason: str


NOTICES: Mapping[str, Notice | NoNotice] = {
    # An online filing is acknowledged with its code (NĐ 45/2020/NĐ-CP).
    facts.DossierRegistered.TYPE: Notice("registered", Policy.AT_LEAST_ONCE),
    # The refusal and its reason (Mẫu 03) are owed.
    facts.DossierRefused.TYPE: Notice("refused", Policy.AT_LEAST_ONCE, codes=("reason",)),
    # What is missing is asked for once and in full (Mẫu 02), and nothing goes on before it is there.
    facts.PapersRequested.TYPE: Notice("papers_requested", Policy.AT_LEAST_ONCE),
    facts.PapersReceived.TYPE: NoNotice("who handed them in was answered"),
    # A desk may have done it for him: whoever did not ask learns of it.
    facts.RegistrationWithdrawn.TYPE: Notice("registration_withdrawn", Policy.AT_LEAST_ONCE),
    # The same, while it can still be called off.
    facts.WithdrawalRequested.TYPE: Notice("withdrawal_requested", Policy.AT_LEAST_ONCE),
    # The receipt of the dossier and its promised date (Mẫu 01) are owed; the tracking code is told nowhere else.
    facts.DossierAccepted.TYPE: Notice("accepted", Policy.AT_LEAST_ONCE, ("promised_due",)),
    facts.DossierAssigned.TYPE: NoNotice("inner work: tracking shows it"),
    facts.StepTaken.TYPE: NoNotice("inner work: tracking shows it"),
    facts.StepCompleted.TYPE: NoNotice("inner work: tracking shows it"),
    facts.ResultSigned.TYPE: NoNotice("there is nothing to collect until the result is ready"),
    facts.ResultNumbered.TYPE: NoNotice("there is nothing to collect until the result is ready"),
    # Told twice, the second call may send a citizen to the desk for a result that he already has.
    facts.ResultReady.TYPE: Notice("result_ready", Policy.AT_MOST_ONCE),
    facts.ResultHandedOver.TYPE: NoNotice("the receiver was there"),
    # The written apology with the new date (Mẫu 04) is owed.
    facts.DossierApologised.TYPE: Notice("apologised", Policy.AT_LEAST_ONCE, ("reappointed_to",)),
    facts.StepReturned.TYPE: NoNotice("inner work: tracking shows it"),
    facts.StepRecalled.TYPE: NoNotice("inner work: tracking shows it"),
    facts.DossierReassigned.TYPE: NoNotice("inner work: tracking names no officer"),
    facts.AgencyAsked.TYPE: NoNotice("between agencies: the applicant's date stays"),
    facts.AgencyAnswered.TYPE: NoNotice("between agencies: the applicant's date stays"),
    facts.SignatureVoided.TYPE: NoNotice("there is nothing to collect until the result is ready"),
    # He was told to come. Not told, he comes for nothing; told twice, he hears the same.
    facts.ResultReopened.TYPE: Notice("result_reopened", Policy.AT_LEAST_ONCE),
    # He holds a result that is wrong: he must know.
    facts.ResultCorrected.TYPE: Notice("result_corrected", Policy.AT_LEAST_ONCE),
    # Another date than he was told: never silently. Where only the statutory limit moved, his date stands.
    facts.DeadlineReissued.TYPE: Notice(
        "deadline_reissued", Policy.AT_LEAST_ONCE, ("promised_due", "previous_promised_due"), changes="promised_due"
    ),
    # Longer than he was told: he need not hurry, and is not refused before.
    facts.LimitReissued.TYPE: Notice(
        "limit_reissued", Policy.AT_LEAST_ONCE, ("limit_at", "previous_limit_at"), codes=("limit",)
    ),
    # What is missing, by when, and what becomes of the limit (Mẫu 02) are owed: the clock stands until he brings it.
    facts.SupplementRequested.TYPE: Notice("supplement_requested", Policy.AT_LEAST_ONCE, ("limit_at",), ("policy",)),
    facts.SupplementProposed.TYPE: NoNotice("a leader decides whether he is asked"),
    # The promised date has moved, and is never moved silently.
    facts.SupplementReceived.TYPE: Notice("supplement_received", Policy.AT_LEAST_ONCE, ("promised_due",)),
    facts.SupplementLimitReached.TYPE: NoNotice("the request named the limit; a refusal is told when it is decided"),
    # The refusal and its reason (Mẫu 03) are owed.
    facts.RefusedAfterLimit.TYPE: Notice("refused_after_limit", Policy.AT_LEAST_ONCE, ("limit_at",)),
    facts.PaymentDemanded.TYPE: Notice("payment_demanded", Policy.AT_LEAST_ONCE, ("limit_at",), ("amount_vnd",)),
    facts.PaymentRecorded.TYPE: Notice("payment_recorded", Policy.AT_LEAST_ONCE, ("promised_due",), ("amount_vnd",)),
    facts.PaymentLimitReached.TYPE: NoNotice("the demand named the limit; a stop is told when it is decided"),
    facts.ClockPaused.TYPE: Notice("clock_paused", Policy.AT_LEAST_ONCE, codes=("period",)),
    facts.ClockResumed.TYPE: Notice("clock_resumed", Policy.AT_LEAST_ONCE, ("promised_due",), ("period",)),
    # A desk may have asked for it in his name: whoever did not ask learns of it.
    facts.DossierWithdrawn.TYPE: Notice("withdrawn", Policy.AT_LEAST_ONCE),
    # The decision to stop (Mẫu 05) is owed.
    facts.DossierStopped.TYPE: Notice("stopped", Policy.AT_LEAST_ONCE, codes=("cause",)),
    facts.HalfTimeReached.TYPE: NoNotice("a warning to the officers"),
    facts.ApologyDrafted.TYPE: NoNotice("a draft: the leader decides whether it is sent"),
    # Owed by honesty, not by law; the public list of overdue dossiers says the same.
    facts.BecameOverdue.TYPE: Notice("became_overdue", Policy.AT_MOST_ONCE, ("promised_due",)),
}
"""Fact type → its notice, or the reason why there is none."""

POLICIES: Mapping[str, Policy] = {
    notice.template: notice.policy for notice in NOTICES.values() if isinstance(notice, Notice)
}
"""Template → policy."""
