"""What desks were answered during an outage, held against what is there afterwards; answers what does not hold.

Nothing here asks a server: each violation is planted in `test_acknowledged.py`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from tests.faults.signals import DidNotStrike

EXPECTED = {"kafka": 201, "postgres": 503}
"""Without which server each filing is answered what."""
KEPT_RATE = 0.95
"""Share of the rate asked for that desks must have reached."""

Report = list[str]
"""What does not hold, in words."""
Placed = tuple[str, str, int, str]
"""One record of a topic: its subject, its source, its number and the id of its fact."""


@dataclass
class Heard:
    """What the desks were answered, 0 for no answer, and how often a 503 lacked Retry-After."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    without_retry_after: int = 0

    def in_words(self) -> str:
        """Say it in one line."""
        asked = self.statuses.total()
        told = ", ".join(f"{count} × {status}" for status, count in sorted(self.statuses.items()))
        return f"{asked} requests in {self.seconds:.0f} s, {asked / self.seconds:.0f} a second: {told}"


def judge_answers(server: str, heard: Heard) -> Report:
    """Without Kafka everything is accepted; without the database nothing, and each is asked to come again.

    Raises DidNotStrike when nobody was answered anything.
    """
    if not heard.statuses:
        raise DidNotStrike("nothing was filed")
    found = [f"{count} answers {status}" for status, count in heard.statuses.items() if status != EXPECTED[server]]
    if heard.without_retry_after:
        found.append(f"{heard.without_retry_after} answers 503 without Retry-After")
    return found


def judge_rate(heard: Heard, rate: float) -> Report:
    """Desks that fell behind did not try what was asked for."""
    reached = heard.statuses.total() / heard.seconds
    return [] if reached >= KEPT_RATE * rate else [f"desks asked {reached:.0f} times a second, {rate:.0f} were wanted"]


def judge_table(where: str, acknowledged: Collection[str], there: Sequence[str]) -> Report:
    """What was acknowledged is there, once, and nothing else."""
    found = []
    if lost := set(acknowledged) - set(there):
        found.append(f"{where} lacks {len(lost)} acknowledged dossiers: {', '.join(sorted(lost)[:3])} …")
    if foreign := set(there) - set(acknowledged):
        found.append(f"{where} has {len(foreign)} that nobody was told of: {', '.join(sorted(foreign)[:3])} …")
    if twice := len(there) - len(set(there)):
        found.append(f"{where} has {twice} twice")
    return found


def judge_figure(name: str, acknowledged: Collection[str], found: int) -> Report:
    """Whatever came twice was counted once."""
    return [] if found == len(acknowledged) else [f"{name} is {found}, {len(acknowledged)} were acknowledged"]


def judge_topic(acknowledged: Collection[str], records: Iterable[Placed]) -> Report:
    """Each dossier was published; the facts of each came in their order, each partition read in its own.

    A fact whose acknowledgement was lost comes again, as the same fact: its readers drop it.
    """
    streams: dict[tuple[str, str], list[int]] = defaultdict(list)
    for subject, source, number, _ in dict.fromkeys(records):
        streams[subject, source].append(number)
    report = [
        f"two facts of {subject} by {source} under one number, or out of order"
        for (subject, source), found in streams.items()
        if found != list(range(1, len(found) + 1))
    ]
    filed = [subject for subject, source in streams if source == "intake"]
    return report + judge_table("the topic", acknowledged, filed)
