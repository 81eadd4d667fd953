"""What is an epidemic: a table of what was seen."""

from __future__ import annotations

import pytest

from shared.messaging.brake import Outbreak, epidemic
from shared.messaging.faults import Epidemic, passes

WINDOW = "more than 20 dossiers parked within 5 minutes"
SEEN: list[tuple[Outbreak, str]] = [
    (Outbreak(recent=0, here=0, facts=1), ""),
    (Outbreak(recent=1, here=1, facts=1), ""),
    (Outbreak(recent=5, here=5, facts=5), ""),
    (Outbreak(recent=6, here=6, facts=6), "more than 5 dossiers of one batch parked"),
    (Outbreak(recent=5, here=5, facts=500), ""),
    (Outbreak(recent=6, here=6, facts=500), "more than 5 dossiers of one batch parked"),
    (Outbreak(recent=12, here=12, facts=1299), ""),
    (Outbreak(recent=13, here=13, facts=1299), "more than 12 dossiers of one batch parked"),
    (Outbreak(recent=20, here=1, facts=1), ""),
    (Outbreak(recent=21, here=1, facts=1), WINDOW),
    (Outbreak(recent=21, here=21, facts=100_000), WINDOW),
]


@pytest.mark.parametrize(("seen", "said"), SEEN)
def test_an_epidemic_is_more_than_a_limit(seen: Outbreak, said: str) -> None:
    assert epidemic(seen) == said


def test_who_meets_an_epidemic_waits() -> None:
    assert passes(Epidemic(WINDOW))
