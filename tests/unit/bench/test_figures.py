"""The bench judges as it says: goals, refusals, percentiles, and a page that names every figure."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.bench import rivals, wrk
from tests.bench.figures import FIGURES, lines_of
from tests.bench.load import percentile
from tests.bench.report import MARKS, Run
from tests.bench.rounds import Measurement, Played, Refused, Round, Size, play
from tests.pages import table, write_between

ROOT = Path(__file__).parents[3]
GOOD = {"seconds": 2.0, "requests": 40, "lost": 0, "p50_ms": 1.0, "p95_ms": 2.0, "p99_ms": 3.0, "statuses": {"201": 40}}


def test_the_page_names_every_figure_and_nothing_else() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")
    told = [line for line in page.splitlines() if line.startswith("| `")]
    assert told == [f"| `{each.name}` | {each.by} | {each.unit} | {each.says} |" for each in FIGURES]
    assert page.index(MARKS[0]) < page.index(MARKS[1]) < page.index(rivals.MARKS[0]) < page.index(rivals.MARKS[1])


def test_the_page_shows_the_rivals_as_they_were_measured_and_above_them_our_own_line_at_most() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")
    shown = page.partition(rivals.MARKS[0])[2].partition(rivals.MARKS[1])[0].strip().splitlines()
    head, beneath, *lines = table(rivals.HEADINGS, rivals.LINES, figures=True).splitlines()
    assert [shown[:2], shown[-len(lines) :]] == [[head, beneath], lines]
    assert len(shown) <= len(lines) + 3


def test_our_line_is_written_from_the_medians_of_a_run_that_measured_the_path(tmp_path: Path) -> None:
    path = {"path_per_s": 201.4, "path_cpu_s": 9.04, "path_p50_ms": 31.2, "path_p99_ms": 99.6}
    ours = rivals.our_line(path | {"metrics_consume_per_s": 18_012.0, "one_row_consume_per_s": 35_000.0})
    assert ours == ("Một Cửa", "201", "9.0", "31.2 / 99.6 ms", "18,012 / 35,000", "–")
    assert rivals.our_line({"path_per_s": 201.4}) is None
    page = tmp_path / "page.md"
    page.write_text(f"before\n{rivals.MARKS[0]}\nold\n{rivals.MARKS[1]}\nafter\n", "utf-8")
    write_between(page, rivals.MARKS, table(rivals.HEADINGS, [ours, *rivals.LINES], figures=True))
    before, begin, head, beneath, first, *_, end, after = page.read_text("utf-8").splitlines()
    assert (before, begin, end, after) == ("before", *rivals.MARKS, "after")
    assert first == "| Một Cửa | 201 | 9.0 | 31.2 / 99.6 ms | 18,012 / 35,000 | – |"
    assert head.count("|") == beneath.count("|") == first.count("|")
    with pytest.raises(LookupError):
        write_between(page, MARKS, "")


def test_names_are_said_once_and_what_a_figure_is_held_against_is_of_the_same_measurement() -> None:
    by_name = {figure.name: figure for figure in FIGURES}
    assert len(by_name) == len(FIGURES)
    assert all(by_name[other.figure].by == figure.by for figure in FIGURES for other in figure.beside)


def test_goals_are_judged_in_both_directions() -> None:
    lines = {(line.figure.name, line.beside): line for line in lines_of({"accept_per_s": 1500, "accept_p95_ms": 50.1})}
    assert lines["accept_per_s", ""].reached is True
    assert lines["accept_p95_ms", ""].reached is False


def test_a_ratio_below_its_goal_is_not_reached() -> None:
    values = {"relay_per_s": 16_000.0, "produce_per_s": 40_000.0}
    found = {line.beside: (line.ratio, line.reached) for line in lines_of(values) if line.figure.name == "relay_per_s"}
    assert found == {"": (None, True), "produce_per_s": (0.4, False)}


def test_wrk_s_report_becomes_a_load() -> None:
    assert wrk.judge(GOOD, HTTPStatus.CREATED) == wrk.Load(40, 20.0, 1.0, 2.0, 3.0)


@pytest.mark.parametrize("planted", [{"statuses": {"201": 39, "503": 1}}, {"lost": 1}, {"statuses": {"200": 40}}])
def test_one_wrong_answer_refuses_a_load(planted: Mapping[str, object]) -> None:
    with pytest.raises(Refused):
        wrk.judge({**GOOD, **planted}, HTTPStatus.CREATED)


def test_a_prepared_request_says_how_long_its_two_parts_are() -> None:
    text = wrk.Request("POST", "/v1/dossiers", "t", "đ".encode()).prepared()
    sizes, _, rest = text.partition(b"\n")
    head, body = map(int, sizes.split())
    assert rest[:head].endswith(b"\r\nIdempotency-Key: ")
    assert rest[head : head + body].decode() == "đ"


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100)])
def test_percentiles_are_nearest_ranks(share: float, value: int) -> None:
    assert percentile(range(1, 101), share) == value


async def test_a_measurement_that_fails_is_refused_with_its_reason_and_the_next_one_is_played() -> None:
    @contextlib.asynccontextmanager
    async def begin(_size: Size) -> AsyncIterator[Round]:
        async def one_round() -> Mapping[str, float]:
            return {"accept_per_s": 1.0}

        yield one_round

    played = await play(Measurement("relay", begin), Size(rounds=1, seconds=1))
    assert "declared and measured are not the same" in played.refused
    run = Run(Size(), [played, Played("latency", rounds=({"handled_p50_ms": 3.0, "handled_p99_ms": 9.0},))])
    assert list(run.refused) == ["relay"]
    assert [row[:2] for row in run.rows()] == [("handled_p50_ms", "3.0"), ("handled_p99_ms", "9.0")]
