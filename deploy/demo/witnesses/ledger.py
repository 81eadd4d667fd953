"""The fourth witness: every answer that the clients were given must stand in the services as it was given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from deploy.demo.report import Witness

Due = tuple[datetime, datetime]
"""Statutory and promised due moments."""


def ledger_of(acknowledged: Mapping[str, Due], services: Mapping[str, Mapping[str, Due]]) -> tuple[Witness, int]:
    """Compare the ledger with what each service holds (service → code → due moments); also counts foreign dossiers.

    The witness's `received` is what the ledger holds and what it lacks together: all that anybody handed in.
    """
    held = {code for found in services.values() for code in found}
    foreign = len(held - acknowledged.keys())
    faults = tuple(_faults(acknowledged, services))
    return Witness("ledger", {"received": len(acknowledged) + foreign}, faults), foreign


def _faults(acknowledged: Mapping[str, Due], services: Mapping[str, Mapping[str, Due]]) -> Iterator[str]:
    for service, found in services.items():
        for code, due in acknowledged.items():
            if code not in found:
                yield f"{code} was acknowledged and is not in {service}"
            elif found[code] != due:
                yield f"{code} was acknowledged for {_told(due)}, {service} has {_told(found[code])}"


def _told(due: Due) -> str:
    statutory, promised = due
    return f"{promised.isoformat()} (by law {statutory.isoformat()})"
