"""Writes `docs/moves.md` from the code's own tables: every state, move and condition, with its words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from services.intake.api import refusals as intake
from services.processing.api import wording as processing
from shared.contracts.facts import State
from shared.http.languages import Words
from shared.http.states import STATES
from shared.rulebook.moves import CONDITIONS, MOVES, Move, Owner
from tests.pages import table, write_between

PAGE = Path(__file__).parents[2] / "docs" / "moves.md"
MARKS = ("<!-- written by `make docs`: begin -->", "<!-- written by `make docs`: end -->")

ACTS: Mapping[Owner, Mapping[str, Words]] = {Owner.INTAKE: intake.ACTS, Owner.PROCESSING: processing.ACTS}
TITLES: Mapping[Owner, Mapping[str, Words]] = {Owner.INTAKE: intake.TITLES, Owner.PROCESSING: processing.TITLES}

BESIDE: Mapping[str, str] = {
    "register_online": "nộp hồ sơ trực tuyến",
    "accept_at_desk": "tiếp nhận tại bộ phận một cửa",
    "refuse_at_desk": "từ chối tiếp nhận tại bộ phận một cửa",
    "half_time": "đã dùng một nửa thời gian",
    "draft_apology": "mở dự thảo xin lỗi",
    "become_overdue": "quá hạn",
    "supplement_limit": "hết hạn bổ sung giấy tờ",
    "payment_limit": "hết hạn nộp tiền",
    "reissue_deadline": "hẹn lại do đổi lịch làm việc",
}
"""Action → its term, where no service offers it as what can be done with a dossier: beginnings, and the clock's own."""

Arrow = tuple[State | None, State]
"""From one state to another, or to itself; None where nothing is registered yet."""


def write() -> None:
    """Write the page anew."""
    write_between(PAGE, MARKS, text())


def text() -> str:
    """Make all that stands between the marks."""
    return f"{diagram()}\n{_staying()}\n{_rows()}\n{_conditions()}"


def arrows() -> Mapping[Arrow, list[str]]:
    """Gather the actions by the arrow that they go along, in the order of the table."""
    found: Mapping[Arrow, dict[str, None]] = defaultdict(dict)
    for move in MOVES:
        for state in move.from_states:
            found[state, _reached(state, move)][move.action] = None
    return {arrow: list(actions) for arrow, actions in found.items()}


def _reached(state: State | None, move: Move) -> State:
    reached = state if move.to is None else move.to
    if reached is None:
        raise ValueError(f"{move.action} leaves what is not registered where it is")
    return reached


def diagram() -> str:
    """Draw the moves that lead to another state; those along one arrow share its label."""
    names = [f'    state "{state:d} {words.vi} · {words.en}" as s{state:d}' for state, words in STATES.items()]
    moves = [
        f"    {'[*]' if begins is None else f's{begins:d}'} --> s{ends:d} : {', '.join(actions)}"
        for (begins, ends), actions in sorted(arrows().items(), key=lambda arrow: (arrow[0][0] or 0, arrow[0][1]))
        if begins is not ends
    ]
    return "".join(f"{line}\n" for line in ("```mermaid", "stateDiagram-v2", *names, *moves, "```"))


def _staying() -> str:
    stays = {begins: actions for (begins, ends), actions in arrows().items() if begins is ends}
    rows = (
        (f"{state:d}", words.vi, words.en, ", ".join(f"`{action}`" for action in stays.get(state, ())) or "–")
        for state, words in STATES.items()
    )
    return "## States\n\n" + table(("state", "tên trạng thái", "name", "moves that stay in it"), rows)


def _rows() -> str:
    headings = ("row", "from", "action", "thuật ngữ", "to", "service", "roles", "clock", "conditions", "fact")
    return "## Moves\n\n" + table(headings, (_row(number, move) for number, move in enumerate(MOVES, 1)))


def _row(number: int, move: Move) -> tuple[str, ...]:
    begins = ", ".join("–" if state is None else f"{state:d}" for state in move.from_states)
    return (
        str(number),
        begins,
        f"`{move.action}`",
        term(move),
        "=" if move.to is None else f"{move.to:d}",
        move.owner,
        ", ".join(move.roles),
        move.clock,
        ", ".join(f"`{condition}`" for condition in move.conditions) or "–",
        f"`{move.fact}`",
    )


def term(move: Move) -> str:
    """Say in Vietnamese what clerks and citizens call a move."""
    words = ACTS[move.owner].get(move.action)
    return words.vi if words else BESIDE[move.action]


def _conditions() -> str:
    rows = ((f"`{code}`", meaning, _told(code)) for code, meaning in CONDITIONS.items())
    return "## Conditions\n\n" + table(("code", "it holds where", "who does not meet it is told"), rows)


def _told(code: str) -> str:
    owners = dict.fromkeys(move.owner for move in MOVES if code in move.conditions)
    titles = dict.fromkeys(TITLES[owner][code] for owner in owners if code in TITLES[owner])
    return "; ".join(f"{words.vi} ({words.en})" for words in titles) or "– (the clock asks nobody)"
