"""What a channel is given to send."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.notification.domain.wording import Text


@dataclass(frozen=True)
class Letter:
    """One message, ready to go. `reference` is the same at every attempt, so that the other side can tell a repeat."""

    reference: str
    to: str
    text: Text
    written_at: datetime
