"""The same path and the same consume job with other systems, as they were measured once, and our own beside them."""

from __future__ import annotations

from collections.abc import Mapping

from tests.bench.figures import number

MARKS = "<!-- beside others, by `make bench`: begin -->", "<!-- beside others, by `make bench`: end -->"
HEADINGS = (
    "system",
    "dossiers/s at most",
    "CPU s per 1,000",
    "p50 / p99 at half load",
    "consume, facts/s",
    "after three kills in 5,000 dossiers: steps run again / notices doubled",
)
LINES = (
    ("FastStream 0.7.8, per message", "192", "9.5", "22 / 78 ms", "1,114", "68 / 25"),
    ("FastStream 0.7.8, in batches", "1,381", "1.4", "278 / 666 ms", "33,394", "1,552 / 328"),
    ("SpiffWorkflow 3.2", "192", "10.0", "22 / 62 ms", "–", "0 / 1"),
    ("Celery 5.7 on RabbitMQ", "86", "20.7", "21 / 50 ms", "–", "12 / 10"),
    ("Flowable 8.0", "69", "28.2", "34 / 151 ms", "–", "6 / 2"),
    ("Procrastinate 3.10", "56", "32.7", "36 / 71 ms", "–", "24 / 13"),
    ("DBOS 3.4", "53", "29.6", "65 / 114 ms", "–", "10 / 1"),
)
PATH = ("path_per_s", "path_cpu_s", "path_p50_ms", "path_p99_ms")
CONSUME = ("metrics_consume_per_s", "one_row_consume_per_s")


def our_line(medians: Mapping[str, float]) -> tuple[str, ...] | None:
    """Write our line from the figures of a run; None where it did not measure the path."""
    if not medians.keys() >= set(PATH):
        return None
    per_s, cpu_s, p50, p99 = (number(medians[name]) for name in PATH)
    consume = " / ".join(number(medians[name]) for name in CONSUME if name in medians)
    return "Một Cửa", per_s, cpu_s, f"{p50} / {p99} ms", consume or "–", "–"
