"""Why an act is refused: each refusal has a stable code, and nothing is changed by a refused act."""

from __future__ import annotations

from shared.contracts.facts import State


class Refusal(Exception):
    """An act that the law or the table of moves does not allow now; `code` names why.

    `detail` is a sentence of `shared.http.sentences`, for what the code's title leaves open.
    Once the dossier was looked at, `state` is its state, and `possible` are the acts that the caller may do there.
    """

    state: State | None = None
    possible: tuple[str, ...] = ()

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class UnknownAction(Refusal):
    """No move has that name, or only intake makes it: `action_unknown`."""


class NotAllowed(Refusal):
    """The caller's role or agency may not act here: `role_not_allowed`, `agency_not_allowed`."""


class IllegalMove(Refusal):
    """The table has no such move from this state: `illegal_move`."""


class StaleVersion(Refusal):
    """Somebody acted since the caller looked: `version_stale`; `current` is the version that stands."""

    def __init__(self, current: int) -> None:
        super().__init__("version_stale", "Somebody has acted on the dossier since you read it.")
        self.current = current


class ConditionNotMet(Refusal):
    """A condition of the move does not hold; the code is the condition's."""


class ActInvalid(Refusal):
    """What the act says cannot be: `other_commune_invalid`, `reappointed_to_invalid`, `named_officer_revoked`."""


class UnknownCase(Refusal):
    """No dossier of that code is known here, or the caller may not see it: `dossier_unknown`."""

    def __init__(self) -> None:
        super().__init__("dossier_unknown", "No such dossier is open to you.")


class UnknownEntry(Refusal):
    """No such entry of the caller's unit stands any more: `entry_unknown`."""

    def __init__(self) -> None:
        super().__init__("entry_unknown", "No such entry of your unit can be withdrawn.")
