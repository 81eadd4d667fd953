"""Why intake does not do what it is asked for: each refusal has a stable code, and nothing is changed by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.contracts.facts import State


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of what was sent: where it is (JSON pointer), and in words; nothing of what was sent.

    `values` belong where the message has their names in braces.
    """

    pointer: str
    message: str
    values: Mapping[str, object] = field(default_factory=dict)


class Refused(Exception):
    """What was filed is not taken; `code` says why: a condition's code, or what is wrong with the filing.

    `detail` is a sentence of `shared.http.sentences`, for what the code's title leaves open.
    Once a dossier was looked at, `state` is its state, and `possible` are the acts that the caller may do there.
    """

    state: State | None = None
    possible: tuple[str, ...] = ()

    def __init__(self, code: str, *faults: Fault, detail: str = "The dossier was not accepted.") -> None:
        super().__init__(code)
        self.code = code
        self.faults = faults
        self.detail = detail


class UnknownDossier(Refused):
    """No dossier of that code is known, or the caller may not see it: `dossier_unknown`."""

    def __init__(self) -> None:
        super().__init__("dossier_unknown", detail="No such dossier is open to you.")


class UnknownAction(Refused):
    """No move has that name, or intake makes it elsewhere or not at all: `action_unknown`."""


class NotAllowed(Refused):
    """The caller's role or agency may not act here: `role_not_allowed`, `agency_not_allowed`."""


class IllegalMove(Refused):
    """The table has no such move from this state: `illegal_move`."""


class ConditionNotMet(Refused):
    """A condition of the move does not hold; the code is the condition's."""


class StaleVersion(Refused):
    """Somebody acted since the caller looked: `version_stale`; `current` is the version that stands."""

    def __init__(self, current: int) -> None:
        super().__init__("version_stale", detail="Somebody has acted on the dossier since you read it.")
        self.current = current
