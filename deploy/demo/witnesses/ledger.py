"""The fourth witness: every answer that the clients were given must stand in the services as it was given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from deploy.demo.report import Witness

Told = tuple[datetime, datetime, str]
"""Statutory due moment, promised due moment, competent agency."""


def ledger_of(
    acknowledged: Mapping[str, Told],
    services: Mapping[str, Mapping[str, Told | None]],
    since: Mapping[str, Mapping[str, Told]] | None = None,
) -> tuple[Witness, int]:
    """Compare the ledger with what each service holds (service → code → the answer, None where it knows the code only).

    `since` are later answers: who has told another due moment since acceptance must hold the one that it told last, all
    others the one that was acknowledged then. Also counts foreign dossiers. The witness's `received` is what the ledger
    holds and what it lacks together: all that anybody handed in.
    """
    held = {code for found in services.values() for code in found}
    foreign = len(held - acknowledged.keys())
    faults = tuple(_faults(acknowledged, services, since or {}))
    return Witness("ledger", {"received": len(acknowledged) + foreign}, faults), foreign


def _faults(
    acknowledged: Mapping[str, Told],
    services: Mapping[str, Mapping[str, Told | None]],
    since: Mapping[str, Mapping[str, Told]],
) -> Iterator[str]:
    for service, found in services.items():
        for code, told in {**acknowledged, **since.get(service, {})}.items():
            if code not in found:
                yield f"{code} was acknowledged and is not in {service}"
            elif (held := found[code]) is not None and held != told:
                yield f"{code} was acknowledged {_in_words(told)}, {service} has it {_in_words(held)}"


def _in_words(told: Told) -> str:
    statutory, promised, competent = told
    return f"for {promised.isoformat()} (by law {statutory.isoformat()}) at {competent}"
