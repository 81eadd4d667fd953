"""What is beside the business state of a dossier: payment, delivery and synchronisation are statuses of their own."""

from __future__ import annotations

from enum import StrEnum

from services.processing.domain.cases import Case
from shared.contracts.facts import State
from shared.rulebook.pauses import PauseKind


class PaymentStatus(StrEnum):
    """What became of the applicant's obligation."""

    NOTHING_DEMANDED = "nothing_demanded"
    DEMANDED = "demanded"
    PAID = "paid"
    UNPAID = "unpaid"
    """The limit to pay has passed, or the dossier was closed before it was paid."""


class DeliveryStatus(StrEnum):
    """Where the result is."""

    NOTHING_TO_DELIVER = "nothing_to_deliver"
    READY = "ready"
    HANDED_OVER = "handed_over"


class SynchronisationStatus(StrEnum):
    """Whether the national portal holds what stands here."""

    NOT_CONNECTED = "not_connected"
    """This release tells no other system."""


def payment_status(case: Case) -> PaymentStatus:
    """Say what became of the last demand."""
    halt = case.last_halt(PauseKind.PAYMENT)
    if halt is None:
        return PaymentStatus.NOTHING_DEMANDED
    if not halt.is_open:
        return PaymentStatus.PAID
    return PaymentStatus.UNPAID if halt.limit_reached or case.is_over else PaymentStatus.DEMANDED


def delivery_status(case: Case) -> DeliveryStatus:
    """Say where the result is."""
    delivered = {State.READY: DeliveryStatus.READY, State.HANDED_OVER: DeliveryStatus.HANDED_OVER}
    return delivered.get(case.state, DeliveryStatus.NOTHING_TO_DELIVER)
