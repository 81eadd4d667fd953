"""The topics, declared once: name, partitions, clean-up policy, who writes what, and who reads."""

from __future__ import annotations

from dataclasses import dataclass

from shared.contracts import facts


@dataclass(frozen=True)
class Topic:
    """One Kafka topic. `writers` maps a service to the fact types that only it may publish there.

    Nobody but `writers` and `readers` has any right to it on the broker.
    """

    name: str
    partitions: int
    compacted: bool
    writers: dict[str, tuple[type[facts.Fact], ...]]
    readers: tuple[str, ...]

    @property
    def config(self) -> dict[str, str]:
        """Kafka's settings of the topic: history stays for ever, compacted topics keep the last of a key.

        A record's time is the broker's: one whose writer's clock is an hour ahead it would refuse for ever (KIP-937).
        """
        timed = {"message.timestamp.type": "LogAppendTime"}
        if self.compacted:
            return {**timed, "cleanup.policy": "compact"}
        return {**timed, "cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}


LIFECYCLE = Topic(
    name="dossier.lifecycle.v1",
    partitions=12,
    compacted=False,
    writers={
        "intake": (
            facts.DossierRegistered,
            facts.DossierRefused,
            facts.PapersRequested,
            facts.PapersReceived,
            facts.RegistrationWithdrawn,
            facts.WithdrawalRequested,
            facts.DossierAccepted,
        ),
        "processing": (
            facts.DossierAssigned,
            facts.StepTaken,
            facts.StepCompleted,
            facts.ResultSigned,
            facts.ResultNumbered,
            facts.ResultReady,
            facts.ResultHandedOver,
            facts.DossierApologised,
            facts.StepReturned,
            facts.StepRecalled,
            facts.DossierReassigned,
            facts.AgencyAsked,
            facts.AgencyAnswered,
            facts.SignatureVoided,
            facts.ResultReopened,
            facts.ResultCorrected,
            facts.DeadlineReissued,
            facts.LimitReissued,
            facts.SupplementRequested,
            facts.SupplementProposed,
            facts.SupplementReceived,
            facts.RefusedAfterLimit,
            facts.PaymentDemanded,
            facts.PaymentRecorded,
            facts.ClockPaused,
            facts.ClockResumed,
            facts.DossierWithdrawn,
            facts.DossierStopped,
            facts.SupplementLimitReached,
            facts.PaymentLimitReached,
            facts.HalfTimeReached,
            facts.ApologyDrafted,
            facts.BecameOverdue,
        ),
    },
    readers=("intake", "processing", "notification", "metrics"),
)
CONTACTS = Topic(
    name="dossier.contacts.v1",
    partitions=12,
    compacted=True,
    writers={"intake": (facts.ContactStated,)},
    readers=("notification",),
)
OUTCOMES = Topic(
    name="notice.outcomes.v1",
    partitions=6,
    compacted=False,
    writers={"notification": (facts.NoticeHandedOver, facts.NoticeDelivered, facts.NoticeFailed, facts.NoticeUnknown)},
    readers=("metrics",),
)
RULES = Topic(
    name="rules.versions.v1",
    partitions=1,
    compacted=True,
    writers={"intake": (facts.RulesPublished,)},
    readers=("intake", "processing", "notification", "metrics"),
)
OFFICERS = Topic(
    name="officers.entries.v1",
    partitions=1,
    compacted=False,
    writers={"processing": (facts.OfficerEntered,)},
    readers=("intake", "notification"),
)

TOPICS: tuple[Topic, ...] = (LIFECYCLE, CONTACTS, OUTCOMES, RULES, OFFICERS)

STATUTORY_DUE_HEADER = "motcua_statutory_due"
PROMISED_DUE_HEADER = "motcua_promised_due"
"""Both due moments travel in headers of `accepted` too, so that a parked dossier stays on the overdue watch."""
