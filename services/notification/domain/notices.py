"""Which facts a citizen is told, and which not: one table over every type of the lifecycle topic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.contracts import facts


class Policy(StrEnum):
    """What is done when nobody knows whether a message went out (the answer was lost, or we were killed)."""

    AT_LEAST_ONCE = "at_least_once"
    """It is sent again with the same reference: the law wants the citizen told."""
    AT_MOST_ONCE = "at_most_once"
    """It is left: a second one would mislead, or the news can be had elsewhere."""


@dataclass(frozen=True)
class Notice:
    """A fact that is told. `moments` names the fields of the fact that the text shows."""

    template: str
    policy: Policy
    moments: tuple[str, ...] = ()

    def parameters(self, fact: facts.Fact) -> dict[str, str]:
        """Return what the text needs of the fact: moments as RFC 3339, nothing about people."""
        return {name: getattr(fact, name).isoformat() for name in self.moments}


@dataclass(frozen=True)
class NoNotice:
    """A fact that is not told, and why."""

    reason: str


NOTICES: Mapping[str, Notice | NoNotice] = {
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
