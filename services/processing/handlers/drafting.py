"""How what was decided about a dossier is addressed to the topic of its facts."""

from __future__ import annotations

from collections.abc import Sequence

from services.processing.domain.changing import Drafted
from shared.contracts.topics import LIFECYCLE
from shared.messaging.journal import Draft


def drafts_of(code: str, drafted: Sequence[Drafted], trace_parent: str) -> list[Draft]:
    """Address facts of one dossier to the lifecycle."""
    return [Draft(LIFECYCLE.name, code, each.fact, each.legal_time, trace_parent=trace_parent) for each in drafted]
