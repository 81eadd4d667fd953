"""Lines of questions: the vectors through it, the forms of its answers, and whatever strangers may send."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.clock.batch import MOST_BYTES, MOST_NAMES, Batch
from deploy.clock.questions import KEPT_CALENDARS, Rules
from deploy.clock.refusals import WORDS
from shared.rulebook.office_hours import HoursFault
from tests.unit.rulebook.test_clock_vectors import VECTORS

RULES = Rules()
FORMS = (
    {"id", "due_at", "half_time_at", "apology_draft_at"},
    {"id", "due_at", "paused_since"},
    {"id", "working_minutes"},
    {"id", "error"},
)
PLAIN: dict[str, Any] = {"id": 1, "limit": {"unit": "working_day", "n": 5}, "received": "2020-03-02T09:00"}
DUE = "2020-03-09T17:00:00+07:00"


def answers(*lines: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Batch(RULES).answers(io.BytesIO(b"\n".join(lines)))]


def ask(**fields: Any) -> dict[str, Any]:
    (found,) = answers(json.dumps(PLAIN | fields).encode())
    return found


def test_every_vector_through_the_batch_in_order() -> None:
    found = answers(*(json.dumps(vector).encode() for vector in VECTORS))
    assert [answer["id"] for answer in found] == [vector["id"] for vector in VECTORS]
    for answer, vector in zip(found, VECTORS, strict=True):
        assert set(answer) in FORMS
        expected = dict(vector["expected"])
        assert expected.pop("error", "") in answer.get("error", "")
        assert {name: answer[name] for name in expected} == expected


def test_every_vector_through_the_command_itself_in_one_process() -> None:
    """As strangers run it: the installed command, lines in, lines out, in order and each by itself."""
    command = [str(Path(sys.executable).with_name("motcua")), "due", "--batch"]
    given = b"".join(json.dumps(_asked(vector)).encode() + b"\n" for vector in VECTORS)
    ran = subprocess.run(command, input=given, capture_output=True, check=True)
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [line["id"] for line in lines] == [vector["id"] for vector in VECTORS]
    for line, vector in zip(lines, VECTORS, strict=True):
        expected = dict(vector["expected"])
        assert expected.pop("error", "") in line.get("error", "")
        assert {name: line[name] for name in expected} == expected, vector["id"]
    assert not ran.stderr


def _asked(vector: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in vector.items() if name not in {"rules", "expected", "calculation"}}


def test_moments_are_read_as_strangers_write_them() -> None:
    for moment in (
        "2020-03-02T09:00:00+07:00",
        "2020-03-02T02:00:00Z",
        "2020-03-02 09:00",
        "2020-03-02",
        "20200302T09",
    ):
        assert ask(received=moment)["due_at"] == DUE
    assert ask(received="2020-03-02T09:00:00.999999")["half_time_at"] == "2020-03-05T08:00:00+07:00"
    assert ask(received="2020-03-02T20:00:00-05:00")["due_at"] == "2020-03-10T17:00:00+07:00"


def test_24_00_is_the_midnight_that_ends_a_date_however_it_is_written() -> None:
    wanted = ask(received="2020-03-03T00:00", events=[EVENT, EVENT | {"at": "2020-03-05", "type": ENDS}])
    assert wanted["due_at"] == "2020-03-11T17:00:00+07:00"
    for midnight in ("T24:00", " 24:00:00", "T24", "T24:00:00.000+07:00", "T17:00Z"):
        events = [EVENT, {"at": f"2020-03-04{midnight}", "type": ENDS}]
        assert ask(received=f"2020-03-02{midnight}", events=events) == wanted, midnight
    assert ask(received="20200302T240000+0700", events=[EVENT, {"at": "2020-03-04T2400", "type": ENDS}]) == wanted
    assert ask(received="2020-02-29T24:00") == ask(received="2020-03-01")


def test_what_is_left_out_or_null_is_as_if_it_were_not_there() -> None:
    bare = {"limit": {"unit": "same_day"}, "received": "2020-03-02T09:00"}
    nulls = dict.fromkeys(("id", "supplement_policy", "agency", "events", "office_hours"))
    found = answers(
        json.dumps(bare).encode(),
        json.dumps(bare | nulls | {"limit": {"unit": "same_day", "n": None, "cutoff": None}}).encode(),
        json.dumps(bare | nulls | {"limit": {"unit": "same_day", "n": 0}, "events": [], "office_hours": {}}).encode(),
    )
    assert found[0] == found[1] == found[2]
    assert found[0]["id"] is None
    assert found[0]["due_at"] == "2020-03-02T17:00:00+07:00"


def test_numbers_and_hours_in_their_other_spellings() -> None:
    assert ask(limit={"unit": "working_day", "n": 5.0})["due_at"] == DUE
    late = "2020-03-02T15:00:01"
    for cutoff, day in (("15:00", 3), ("15:00:01", 2), ("24:00", 2), ("9:00", 3)):
        found = ask(limit={"unit": "same_day", "cutoff": cutoff}, received=late)
        assert found["due_at"] == f"2020-03-{day:02}T17:00:00+07:00"


@pytest.mark.parametrize("agency", ["H56.97.21", "H56.61", "H56.90"])
def test_agencies_that_are_known(agency: str) -> None:
    assert ask(agency=agency)["due_at"] == DUE


EVENT, ENDS = {"at": "2020-03-04T10:00", "type": "supplement_requested"}, "supplement_completed"
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"limit": None}, "limit: missing"),
    ({"limit": "5wd"}, "limit: has to be an object"),
    ({"limit": {"n": 5}}, "limit.unit: missing"),
    ({"limit": {"unit": "day", "n": 5}}, "limit.unit: has to be one of working_day"),
    ({"limit": {"unit": ["working_day"], "n": 5}}, "limit.unit: has to be one of"),
    ({"limit": {"unit": "working_day"}}, "limit.n: missing"),
    *(
        ({"limit": {"unit": "working_day", "n": amount}}, "limit.n: has to be a whole number from 1")
        for amount in (0, -3, 2.5, "5", True, [5], 10**12, 1e300)
    ),
    ({"limit": {"unit": "working_minute", "n": 10_000_000}}, "the calendar does not cover the year 2028"),
    ({"limit": {"unit": "calendar_day", "n": 10_000_000}}, "the calendar does not cover the year 2028"),
    *(
        ({"limit": {"unit": "same_day", "cutoff": cutoff}}, "limit.cutoff: has to be an hour")
        for cutoff in ("25:00", "3pm", 15, "", "15:60")
    ),
    ({"limit": {"unit": "same_day", "cut_off": "15:00"}}, "limit.cut_off: there is no such field"),
    ({"received": None}, "received: missing"),
    *(
        ({"received": moment}, "received: has to be an ISO 8601 moment")
        for moment in ("", "yesterday", 1583110800, "2020-02-30", True, ["2020-03-02"], "0001-01-01T00:00+14:00")
    ),
    *(
        ({"received": moment}, "received: has to be an ISO 8601 moment")
        for moment in ("2020-03-02T24:01", "2020-03-02T24:00:01", "2020-02-30T24:00", "9999-12-31T24:00", "24:00")
    ),
    ({"received": "2018-12-31T23:59:59"}, "the calendar does not cover the year 2018"),
    ({"received": "2028-01-01"}, "the calendar does not cover the year 2028"),
    ({"received": "9999-12-31"}, "the calendar does not cover the year 9999"),
    ({"supplement_policy": "stop"}, "supplement_policy: has to be one of resume, restart"),
    ({"supplement_policy": ""}, "supplement_policy: has to be one of resume, restart"),
    ({"agency": "H99"}, "agency: there is no such agency"),
    ({"agency": 5}, "agency: there is no such agency"),
    ({"events": {}}, "events: has to be a list"),
    ({"events": "none"}, "events: has to be a list"),
    ({"events": [EVENT, None]}, "events[1]: missing"),
    ({"events": ["supplement_requested"]}, "events[0]: has to be an object"),
    ({"events": [EVENT | {"type": "lunch"}]}, "events[0].type: has to be one of supplement_requested"),
    ({"events": [{"type": "payment_made"}]}, "events[0].at: missing"),
    ({"events": [EVENT | {"at": "noon"}]}, "events[0].at: has to be an ISO 8601 moment"),
    ({"events": [EVENT, EVENT]}, "there is no supplement_completed before it"),
    ({"events": [EVENT | {"type": "payment_made"}]}, "there is no payment_demanded before it"),
    ({"events": [EVENT | {"at": "2020-03-01"}]}, "supplement begins at 2020-03-01T00:00:00+07:00, before"),
    ({"events": [EVENT | {"at": "2029-03-01"}]}, "the calendar does not cover the year 2029"),
    ({"office_hours": []}, "office_hours: has to map days to sessions"),
    ({"office_hours": {"Monday": []}}, "office_hours: days are mon … sun or dates"),
    ({"office_hours": {"mon": "07:00-11:30"}}, "office_hours, mon: has to be a list of sessions"),
    ({"office_hours": {"mon": [["07:00", "25:00"]]}}, "office_hours, mon: hours look like 07:30"),
    ({"office_hours": {"mon": [["11:00", "07:00"]]}}, "office_hours, mon: a session ends before it begins"),
    ({"office_hours": {"mon": [["07:00", "11:00"], ["10:00", "12:00"]]}}, "office_hours, mon: sessions overlap"),
    ({"office_hours": {"mon": [[f"{hour:02}:00", f"{hour:02}:30"] for hour in range(13)]}}, "too many sessions"),
    ({"events": [EVENT] * 201}, "events: at most 200"),
    ({"office_hours": {"mon": []}}, "the calendar does not cover the year 2028"),
]


@pytest.mark.parametrize(
    ("fields", "reason"), REFUSED, ids=[f"{n} {reason[:40]}" for n, (_, reason) in enumerate(REFUSED)]
)
def test_what_cannot_be_answered_says_why_in_both_languages(fields: dict[str, Any], reason: str) -> None:
    found = ask(**fields)
    assert set(found) == {"id", "error"}
    assert found["id"] == 1
    vietnamese, english = found["error"].split(" / ")
    assert english.startswith(reason) or reason in english
    assert vietnamese != english


def test_working_minutes_need_both_moments() -> None:
    (found,) = answers(b'{"id": "m", "from": "2020-03-02T08:00"}')
    assert found["id"] == "m"
    assert found["error"].endswith("to: missing")
    (found,) = answers(b'{"from": "2020-03-02T08:00", "to": "2028-01-01T00:00:01"}')
    assert "2028" in found["error"]
    (found,) = answers(b'{"from": "2018-12-31T23:59:59", "to": "2020-03-02T08:00"}')
    assert "2018" in found["error"]


@pytest.mark.parametrize("until", ["2027-12-31T24:00", "2028-01-01T00:00", "2027-12-31T17:00Z"])
def test_working_minutes_are_counted_up_to_the_midnight_that_ends_the_calendar(until: str) -> None:
    (found,) = answers(json.dumps({"from": "2027-12-31T08:00", "to": until}).encode())
    assert found == {"id": None, "working_minutes": 3 * 60 + 30 + 3 * 60 + 30}


def test_lines_that_are_no_question_are_told_by_number_and_the_rest_goes_on() -> None:
    good = json.dumps(PLAIN).encode()
    bad = [b"{", b"5", b"[]", b'"x"', b"null", b'{"id": NaN}', b'{"n": -Infinity}', b"\xff\xfe\xfd", b"[" * 100_000]
    lines = [good, *(line for each in bad for line in (each, good))]
    found = answers(*lines)
    assert len(found) == len(lines)
    for number, (line, answer) in enumerate(zip(lines, found, strict=True), 1):
        if line is good:
            assert answer["due_at"] == DUE
        else:
            assert answer["id"] is None
            assert f"line {number}: not " in answer["error"]


def test_a_line_that_is_too_long_is_skipped_whole() -> None:
    good = json.dumps(PLAIN).encode()
    long = json.dumps(PLAIN | {"note": "x" * 3 * MOST_BYTES}).encode()
    first, second, third = answers(long, good, long)
    assert "line 1: longer than" in first["error"]
    assert second["due_at"] == DUE
    assert "line 3: longer than" in third["error"]


def test_blank_lines_line_ends_and_byte_order_marks() -> None:
    good = json.dumps(PLAIN).encode()
    assert answers(b"\xef\xbb\xbf" + good, b"", b"  ", good + b"\r", b"") == answers(good, good)


@pytest.mark.parametrize("name", [None, 0, "hồ sơ 1", 1.5, True, ["a"], {"b": 1}, "\ud800"])
def test_the_id_comes_back_as_it_was(name: Any) -> None:
    assert ask(id=name)["id"] == name


@pytest.mark.parametrize("number", ["7" * 5000, f"-{'7' * 5000}", "1e999", "-1E+999"])
def test_a_number_beyond_all_others_loses_no_id_and_fits_no_field(number: str) -> None:
    line = json.dumps(PLAIN | {"id": "a"})
    for field, refused in (('"n": 5', "limit.n: has to be"), ('"2020-03-02T09:00"', "received: has to be")):
        (found,) = answers(line.replace(field, field.replace("5", number) if "n" in field else number).encode())
        assert found["id"] == "a"
        assert refused in found["error"]
    (found,) = answers(f'{line[:-1]}, "note": {number}}}'.encode())
    assert (found["id"], found["due_at"]) == ("a", DUE)
    (answer,) = Batch(RULES).answers(io.BytesIO(json.dumps(PLAIN | {"id": "a"}).replace('"a"', number).encode()))
    assert answer.startswith(f'{{"id": {number}, "due_at": "{DUE}"'.encode())


def test_nesting_of_any_depth_is_answered() -> None:
    for depth in range(900, 1100, 7):
        nested = "[" * depth + "]" * depth
        for field in ("id", "office_hours", "agency", "note"):
            (found,) = answers(json.dumps(PLAIN)[:-1].encode() + f', "{field}": {nested}}}'.encode())
            assert set(found) in FORMS


def test_fields_that_are_not_read_are_named_once() -> None:
    batch = Batch(RULES)
    many = {f"note{number}": number for number in range(2 * MOST_NAMES)}
    list(batch.answers(io.BytesIO(json.dumps(PLAIN | {"suplement_policy": "restart"}).encode())))
    assert list(batch.unread) == ["suplement_policy"]
    list(batch.answers(io.BytesIO(json.dumps(PLAIN | many).encode())))
    assert len(batch.unread) == MOST_NAMES


def test_the_explanation_comes_with_the_answer_where_it_is_asked_for() -> None:
    (line,) = Batch(RULES, explained=True).answers(io.BytesIO(json.dumps(PLAIN).encode()))
    found = json.loads(line)
    (run,) = found["explanation"]["runs"]
    assert run["total"] == found["explanation"]["wanted"] == sum(each["counted"] for each in run["lines"]) == 5
    assert run["lines"][-1]["to"] == found["due_at"] == DUE


class Endless(io.RawIOBase):
    """Lines without end, and how many were taken."""

    def __init__(self) -> None:
        self.taken = 0

    def readline(self, _size: int | None = -1, /) -> bytes:
        self.taken += 1
        return json.dumps(PLAIN | {"id": self.taken}).encode()


def taken_one_by_one(source: Endless) -> Iterator[dict[str, Any]]:
    return map(json.loads, Batch(RULES).answers(source))  # type: ignore[arg-type]


def test_a_line_is_answered_before_the_next_is_read() -> None:
    source = Endless()
    for number, answer in zip(range(1, 6), taken_one_by_one(source), strict=False):
        assert answer["id"] == number == source.taken


def test_what_was_answered_leaves_nothing_behind() -> None:
    source = Endless()
    found = taken_one_by_one(source)
    for _ in range(200):
        next(found)
    tracemalloc.start()
    try:
        for _ in range(1000):
            next(found)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 100_000


def test_only_so_many_calendars_of_own_hours_are_kept() -> None:
    rules = Rules()
    first = rules.calendar_of(None, {"mon": [["07:00", "11:00"]]})
    assert rules.calendar_of(None, {"mon": [["07:00", "11:00"]]}) is first
    for minute in range(KEPT_CALENDARS):
        rules.calendar_of(None, {"mon": [["07:00", f"12:{minute:02}"]]})
    assert rules.calendar_of(None, {"mon": [["07:00", "11:00"]]}) is not first


anything = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from([*PLAIN, "mon"])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=6,
)
fields = st.fixed_dictionaries(
    {},
    optional={
        "id": anything,
        "received": st.one_of(st.just("2020-03-02T09:00"), st.datetimes().map(str), anything),
        "limit": st.one_of(
            anything,
            st.fixed_dictionaries(
                {"unit": st.sampled_from(["same_day", "working_day", "calendar_day", "working_hour"])},
                optional={
                    "n": st.one_of(st.integers(0, 40), anything),
                    "cutoff": st.one_of(st.just("15:00"), anything),
                },
            ),
        ),
        "events": st.one_of(anything, st.lists(st.one_of(st.just(EVENT), anything), max_size=3)),
        "office_hours": st.one_of(
            anything, st.dictionaries(st.sampled_from(["mon", "sun", "2020-03-03", "x"]), anything, max_size=3)
        ),
        "agency": anything,
        "supplement_policy": anything,
        "from": st.one_of(st.datetimes().map(str), anything),
        "to": st.one_of(st.datetimes().map(str), anything),
    },
)


@given(fields)
def test_anything_is_answered_in_one_of_the_forms(question: dict[str, Any]) -> None:
    (found,) = answers(json.dumps(question).encode())
    assert set(found) in FORMS


def test_every_fault_of_office_hours_has_words() -> None:
    assert {f"office_hours.{fault}" for fault in HoursFault} <= WORDS.keys()
