"""Every figure of the bench: what it says, beside which other figure of the same run it stands, and its goal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Beside:
    """Another figure of the same run; `least` is the smallest wanted ratio to it, None where none is asked for."""

    figure: str
    least: float | None = None


@dataclass(frozen=True)
class Figure:
    """One figure. `by` names its measurement; `least` and `most` are the goal in its own unit, where there is one."""

    name: str
    by: str
    unit: str
    says: str
    least: float | None = None
    most: float | None = None
    beside: tuple[Beside, ...] = ()


FIGURES: tuple[Figure, ...] = (
    Figure(
        *("accept_per_s", "accept", "dossiers/s", "filings that one intake process accepts at 25 places"),
        least=1500,
        beside=(Beside("accept_floor_per_s", 0.40),),
    ),
    Figure("accept_p50_ms", "accept", "ms", "answer to a filing at 25 places, median"),
    Figure("accept_p95_ms", "accept", "ms", "answer to a filing at 25 places, 95 of 100", most=50),
    Figure("accept_p99_ms", "accept", "ms", "answer to a filing at 25 places, 99 of 100"),
    Figure(
        *("accept_cpu_us", "accept", "µs", "processor time of intake's process for one filing"),
        beside=(Beside("accept_floor_cpu_us"),),
    ),
    Figure("accept_database_cpu_us", "accept", "µs", "processor time of PostgreSQL meanwhile for one filing"),
    Figure(
        *("accept_one_place_per_s", "accept", "dossiers/s", "filings accepted where all come to one place"),
        beside=(Beside("accept_per_s"),),
    ),
    Figure("accept_one_place_p95_ms", "accept", "ms", "answer to a filing at one place, 95 of 100"),
    Figure("accept_floor_per_s", "accept", "requests/s", "a FastAPI POST of the same model that does nothing"),
    Figure("accept_floor_p95_ms", "accept", "ms", "answer of the POST that does nothing, 95 of 100"),
    Figure("accept_floor_cpu_us", "accept", "µs", "processor time of the POST that does nothing, for one"),
    Figure("intake_rss_mb", "accept", "MB", "resident memory of intake after the load at 25 places", most=150),
    Figure(
        *("metrics_consume_per_s", "consume", "facts/s", "metrics' service process on facts of the year's mix"),
        least=15_000,
        beside=(Beside("metrics_sql_per_s", 0.80), Beside("faststream_message_per_s", 5.0)),
    ),
    Figure("metrics_consume_cpu_us", "consume", "µs", "processor time of metrics' process for one fact"),
    Figure("metrics_consume_database_cpu_us", "consume", "µs", "processor time of PostgreSQL meanwhile for one fact"),
    Figure("metrics_sql_per_s", "consume", "facts/s", "metrics' SQL on decoded facts, without a consumer"),
    Figure(
        *("one_row_consume_per_s", "consume", "facts/s", "our consumer where the effect of a fact is one row"),
        beside=(Beside("faststream_batch_per_s", 1.0),),
    ),
    Figure(
        *("one_row_consume_cpu_us", "consume", "µs", "processor time of our one-row consumer for one fact"),
        beside=(Beside("faststream_batch_cpu_us"),),
    ),
    Figure("faststream_message_per_s", "consume", "facts/s", "FastStream per message, the same one row for a fact"),
    Figure("faststream_message_cpu_us", "consume", "µs", "processor time of FastStream for one fact, per message"),
    Figure("faststream_batch_per_s", "consume", "facts/s", "FastStream in batches, the same one row for a fact"),
    Figure("faststream_batch_cpu_us", "consume", "µs", "processor time of FastStream for one fact, in batches"),
    Figure("metrics_rss_mb", "consume", "MB", "resident memory of metrics after it has read the topic", most=150),
    Figure(
        *("processing_consume_per_s", "opening", "dossiers/s", "processing's service process on accepted dossiers"),
        beside=(Beside("processing_sql_per_s"),),
    ),
    Figure("processing_consume_cpu_us", "opening", "µs", "processor time of processing's process for one dossier"),
    Figure("processing_consume_database_cpu_us", "opening", "µs", "processor time of PostgreSQL for one dossier"),
    Figure("processing_sql_per_s", "opening", "dossiers/s", "processing's SQL on decoded facts, without a consumer"),
    Figure(
        "processing_rss_mb", "opening", "MB", "resident memory of processing after it has opened the cases", most=150
    ),
    Figure(
        *("relay_per_s", "relay", "facts/s", "intake's relay, from its first to its last of 100,000 unsent facts"),
        least=15_000,
        beside=(Beside("produce_per_s", 0.60),),
    ),
    Figure(
        *("relay_cpu_us", "relay", "µs", "processor time of intake's process for one fact"),
        beside=(Beside("produce_cpu_us"),),
    ),
    Figure("relay_database_cpu_us", "relay", "µs", "processor time of PostgreSQL meanwhile for one fact"),
    Figure("produce_per_s", "relay", "facts/s", "bare aiokafka produce of the same messages in the same batches"),
    Figure("produce_cpu_us", "relay", "µs", "processor time of bare produce for one message"),
    Figure("handled_p50_ms", "latency", "ms", "commit in intake's journal to commit of metrics' effect, median"),
    Figure(
        "handled_p99_ms",
        "latency",
        "ms",
        "commit in intake's journal to commit of metrics' effect, 99 of 100",
        most=250,
    ),
    Figure(
        *("edge_alone_p95_ms", "edge", "ms", "answer to a filing at 96 dossiers/s, nobody else there, 95 of 100"),
        beside=(Beside("edge_besieged_p95_ms", 0.5),),
    ),
    Figure("edge_besieged_p95_ms", "edge", "ms", "the same beside 500 slow connections and 100 MB bodies, 95 of 100"),
    Figure("edge_flooded_p95_ms", "edge", "ms", "the same beside these without a rest, and a flood, 95 of 100"),
    Figure("loaded_per_s", "reading", "dossiers/s", "`motcua load`: dossiers of ten facts, with all that reads need"),
    Figure("loaded_kb", "reading", "kB", "what one loaded dossier takes of the database's disk"),
    Figure("tracking_p95_ms", "reading", "ms", "GET /v1/tracking/{code} at 100,000 dossiers, 95 of 100", most=50),
    Figure("tracking_per_s", "reading", "requests/s", "GET /v1/tracking/{code} answered meanwhile"),
    Figure("worklist_p95_ms", "reading", "ms", "GET /v1/worklist at 100,000 dossiers, 95 of 100", most=50),
    Figure("worklist_per_s", "reading", "requests/s", "GET /v1/worklist answered meanwhile"),
    Figure("cold_tracking_p95_ms", "reading", "ms", "GET /v1/tracking/{code}, cold, 8 readers, 95 of 100", most=50),
    Figure("cold_worklist_p95_ms", "reading", "ms", "pages of GET /v1/worklist, cold, 8 readers, 95 of 100", most=50),
    Figure(
        "cold_deadline_p95_ms", "reading", "ms", "GET /v1/dossiers/{code}/deadline, cold, 8 readers, 95 of 100", most=50
    ),
    Figure(
        "cold_history_p95_ms", "reading", "ms", "GET /v1/dossiers/{code}/history, cold, 8 readers, 95 of 100", most=50
    ),
    Figure("dispatch_plan_s", "dispatch", "s", "`motcua calendar plan` over 10,000 open dossiers", most=10),
    Figure("dispatch_apply_s", "dispatch", "s", "`motcua calendar apply` until all 10,000 follow the version"),
    Figure("dispatch_moved", "dispatch", "dossiers", "dossiers moved, code by code those that the plan foretold"),
    Figure("path_per_s", "path", "dossiers/s", "whole paths at full load: submit, 5 acts, 2 notices", least=193),
    Figure("path_cpu_s", "path", "CPU s/1,000", "processor time of all processes of the stack for 1,000 whole paths"),
    Figure("path_p50_ms", "path", "ms", "submit to the second notice at the gateway at 96 dossiers/s, median"),
    Figure(
        "path_p99_ms", "path", "ms", "submit to the second notice at the gateway at 96 dossiers/s, 99 of 100", most=100
    ),
    Figure("path_opened_p50_ms", "path", "ms", "answer to the submit to the open case at 96 dossiers/s, median"),
    Figure("path_told_p50_ms", "path", "ms", "answer to the last act to the second notice at 96 dossiers/s, median"),
    Figure("path_act_p99_ms", "path", "ms", "answer to one act of an officer at 96 dossiers/s, 99 of 100"),
    Figure("notification_rss_mb", "path", "MB", "resident memory of notification after the full load", most=150),
    Figure("year_seconds", "year", "s", "`motcua demo --exit`: the year of 9,470 dossiers", most=300),
)


@dataclass(frozen=True)
class Line:
    """One comparison of one figure, for the table. `reached` is None where nothing is asked for or known."""

    figure: Figure
    value: float
    beside: str = ""
    ratio: float | None = None
    goal: str = ""
    reached: bool | None = None


def lines_of(values: Mapping[str, float]) -> Iterator[Line]:
    """Hold figures against their goals, in the order of the table; those that were not measured are left out."""
    for figure in FIGURES:
        if figure.name not in values:
            continue
        lines = [_by_itself(figure, values[figure.name]), *_by_ratio(figure, values)]
        if len(lines) > 1 and not lines[0].goal:
            lines = lines[1:]
        yield from lines


def _by_itself(figure: Figure, value: float) -> Line:
    if figure.least is not None:
        return Line(figure, value, goal=f"≥ {figure.least:,.0f}", reached=value >= figure.least)
    if figure.most is not None:
        return Line(figure, value, goal=f"≤ {figure.most:,.0f}", reached=value <= figure.most)
    return Line(figure, value)


def _by_ratio(figure: Figure, values: Mapping[str, float]) -> Iterator[Line]:
    for other in figure.beside:
        if not values.get(other.figure):
            continue
        value = values[figure.name]
        ratio = value / values[other.figure]
        goal = "" if other.least is None else f"≥ {other.least:.2f} ×"
        yield Line(figure, value, other.figure, ratio, goal, None if other.least is None else ratio >= other.least)


def number(value: float) -> str:
    """Write a figure with three digits that mean something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"
