"""What leaders have said of their officers, as a service knows it that does not keep the register itself."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from shared.contracts.officers import OfficerEntered
from shared.contracts.topics import OFFICERS
from shared.messaging.envelope import Record, Undecodable, decode, parse
from shared.messaging.faults import Unready, reason_of
from shared.messaging.following import FollowedTopic
from shared.rulebook.officers import Entry, Register, Said
from shared.settings import KafkaSettings

log = structlog.get_logger()


class OfficerStore(FollowedTopic):
    """The register of officers, followed on its topic. Until that was read once, nobody knows who is revoked."""

    def __init__(self, kafka: KafkaSettings, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(kafka, (OFFICERS.name, OFFICERS.partitions), name="officers", monotonic=monotonic)
        self._entries: dict[int, Entry] = {}
        self._register: Register | None = None

    def register(self) -> Register:
        """Return the register as far as it was read. Raises Unready before it was read to its end once."""
        if self._register is None:
            raise Unready("the register of officers is not read yet")
        return self._register

    def ended(self) -> None:
        """Everything that was said until now is known."""
        self._register = self._made()
        super().ended()

    def add(self, record: Record) -> None:
        """Take one entry in. What cannot be read is told and left out."""
        try:
            received = parse(decode(record))
            said = received.fact_as(OfficerEntered)
        except (Undecodable, TypeError, LookupError, ValueError) as error:
            log.exception("officer refused", topic=record.topic, offset=record.offset, reason=reason_of(error))
            return
        if said.no in self._entries:
            return
        self._entries[said.no] = Entry(
            said.no,
            said.agency,
            Said(
                said.kind,
                said.officer,
                said.first_day,
                said.last_day,
                role=said.role,
                deputy=said.deputy,
                withdraws=said.withdraws,
            ),
            received.legal_time,
            said.recorded_by,
        )
        if self._register is not None:
            self._register = self._made()

    def _made(self) -> Register:
        return Register([self._entries[no] for no in sorted(self._entries)])
