"""`motcua due` and `motcua calendar show` as they are typed: what they print, and how they end."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner, Result

from deploy.cli.application import commands

QUESTION = ("due", "--limit", "5wd", "--received", "2020-01-16T09:00")
PAUSED = ("--event", "supplement_requested@2020-01-21T16:00", "--event", "supplement_completed@2020-01-31T08:00")


def motcua(*words: str, given: str = "") -> Result:
    return CliRunner().invoke(commands, words, input=given)


def test_due_says_three_moments_in_both_languages() -> None:
    shown = motcua(*QUESTION, *PAUSED)
    assert shown.exit_code == 0
    assert shown.stdout.splitlines() == [
        "Hạn trả: 17:00 thứ Ba 04/02/2020",
        "Đã dùng một nửa thời gian: 11:00 thứ Ba 21/01/2020 (C12)",
        "Mở dự thảo xin lỗi (Mẫu 04): 17:00 thứ Hai 03/02/2020 (C12)",
        "",
        "Due: 17:00 Tuesday 2020-02-04",
        "Half of the time is used: 11:00 Tuesday 2020-01-21 (C12)",
        "The draft of an apology (form 04) opens: 17:00 Monday 2020-02-03 (C12)",
    ]


def test_due_as_json() -> None:
    assert json.loads(motcua(*QUESTION, *PAUSED, "--json").stdout) == {
        "due_at": "2020-02-04T17:00:00+07:00",
        "half_time_at": "2020-01-21T11:00:00+07:00",
        "apology_draft_at": "2020-02-03T17:00:00+07:00",
    }
    assert json.loads(motcua(*QUESTION, *PAUSED[:2], "--json").stdout) == {
        "due_at": None,
        "paused_since": "2020-01-21T16:00:00+07:00",
    }


def test_due_without_an_appointment_names_no_moment() -> None:
    question = ("due", "--limit", "none", "--received", "2020-01-16T09:00")
    assert motcua(*question).stdout.splitlines() == ["Không ấn định ngày trả kết quả", "", "No day is appointed"]
    assert json.loads(motcua(*question, "--json").stdout) == {"due_at": None, "appointed": False}
    assert json.loads(motcua(*question, *PAUSED[:2], "--json").stdout)["paused_since"] == "2020-01-21T16:00:00+07:00"
    explained = motcua(*question, *PAUSED, "--explain").stdout
    assert "Tiếp nhận: 09:00 thứ Năm 16/01/2020" in explained
    assert "9999" not in explained
    line = {"id": 1, "limit": {"unit": "none"}, "received": "2020-01-16T09:00"}
    answer = json.loads(motcua("due", "--batch", given=json.dumps(line) + "\n").stdout)
    assert answer == {"id": 1, "due_at": None, "appointed": False}
    for wrong in ("5none", "none@15:00"):
        assert motcua("due", "--limit", wrong, "--received", "2020-01-16T09:00").exit_code == 2


@pytest.mark.parametrize(
    ("limit", "due_at"),
    [
        ("5wd", "2020-03-09T17:00:00+07:00"),
        ("15cd", "2020-03-17T17:00:00+07:00"),
        ("8wh", "2020-03-03T09:00:00+07:00"),
        ("90wm", "2020-03-02T10:30:00+07:00"),
        ("sd", "2020-03-02T17:00:00+07:00"),
        ("sd@08:00", "2020-03-03T17:00:00+07:00"),
        ("1wd@08:00", "2020-03-04T17:00:00+07:00"),
    ],
)
def test_limits_in_their_short_form(limit: str, due_at: str) -> None:
    shown = motcua("due", "--limit", limit, "--received", "2020-03-02T09:00", "--agency", "H56.97.21", "--json")
    assert json.loads(shown.stdout)["due_at"] == due_at


def test_the_policy_is_chosen() -> None:
    asked = (*QUESTION, *PAUSED, "--json", "--policy")
    assert json.loads(motcua(*asked, "resume").stdout)["due_at"] == "2020-02-04T17:00:00+07:00"
    assert json.loads(motcua(*asked, "restart").stdout)["due_at"] == "2020-02-07T17:00:00+07:00"


def test_an_explanation_names_days_holidays_pauses_and_sources() -> None:
    shown = motcua(*QUESTION, *PAUSED, "--explain").stdout
    for line in (
        "  thứ Bảy 25/01/2020: không tính, Tết Nguyên đán (mùng Một tháng Giêng) [n1] (C1)",
        "  thứ Ba 04/02/2020: tính, ngày thứ 5 trong 5 (C1)",
        "  Saturday 2020-01-25: not counted, Lunar New Year (1st day of the first lunar month) [n1] (C1)",
        "  Tuesday 2020-01-21: not counted, paused at the day's close (pause 1) (C6)",
    ):
        assert line in shown.splitlines()
    assert shown.index("Hạn trả") < shown.index("Due:")
    for source in ("Thông báo chính thức về nghỉ Tết năm 2020", "The official notice of Tết 2020"):
        assert shown.count(source) == 1
    assert "holidays package" not in shown


def test_an_explanation_as_json_adds_up() -> None:
    found = json.loads(motcua(*QUESTION, *PAUSED, "--explain", "--json").stdout)
    explanation = found["explanation"]
    assert explanation["limit"] == {"unit": "working_day", "n": 5, "cutoff": None}
    assert explanation["pauses"] == [
        {
            "number": 1,
            "kind": "supplement",
            "began_at": "2020-01-21T16:00:00+07:00",
            "ended_at": "2020-01-31T08:00:00+07:00",
            "goes_on_at": "2020-01-31T08:00:00+07:00",
            "effect": "resumes",
        }
    ]
    (run,) = explanation["runs"]
    assert sum(line["counted"] for line in run["lines"]) == run["total"] == explanation["wanted"] == 5
    assert run["lines"][-1]["to"] == found["due_at"]
    tet = next(line for line in run["lines"] if line["date"] == "2020-01-25")
    assert (tet["kind"], tet["verdict"], tet["name_vi"]) == (
        "holiday",
        "closed",
        "Tết Nguyên đán (mùng Một tháng Giêng)",
    )


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("due",), "--limit and --received are required"),
        (("due", "--limit", "5wd"), "--limit and --received are required"),
        (("due", "--limit", "5", "--received", "2020-03-02"), "--limit: has to look like 5wd"),
        (("due", "--limit", "wd", "--received", "2020-03-02"), "--limit: has to look like 5wd"),
        (("due", "--limit", "5sd", "--received", "2020-03-02"), "--limit: has to look like 5wd"),
        (("due", "--limit", "0wd", "--received", "2020-03-02"), "limit.n: has to be a whole number"),
        (("due", "--limit", "sd@noon", "--received", "2020-03-02"), "limit.cutoff: has to be an hour"),
        (("due", "--limit", "5wd", "--received", "soon"), "received: has to be an ISO 8601 moment"),
        (("due", "--limit", "5wd", "--received", "2028-01-03"), "does not cover the year 2028"),
        (("due", "--limit", "5wd", "--received", "2020-03-02", "--agency", "X"), "there is no such agency"),
        ((*QUESTION, "--event", "payment_made"), "--event: has to look like TYPE@MOMENT"),
        ((*QUESTION, "--event", "payment_made@2020-01-17"), "there is no payment_demanded before it"),
        ((*QUESTION, "--policy", "stop"), "stop"),
        ((*QUESTION, "--batch"), "--batch reads its questions from stdin"),
        (("calendar", "show", "--from", "2020-03-02"), "--to"),
        (("calendar", "show", "--from", "2020-03-02", "--to", "2020-03-01"), "--to is earlier than --from"),
        (("calendar", "show", "--from", "March", "--to", "2020-03-01"), "--from: a date such as 2020-01-20"),
        (("calendar", "show", "--from", "2027-12-31", "--to", "2028-01-01"), "does not cover the year 2028"),
        (
            ("calendar", "show", "--from", "2020-03-02", "--to", "2020-03-02", "--agency", "X"),
            "there is no such agency",
        ),
    ],
)
def test_wrong_usage_says_what_is_wrong(words: tuple[str, ...], reason: str) -> None:
    shown = motcua(*words)
    assert shown.exit_code == 2
    assert shown.stdout == ""
    assert reason in shown.stderr


def test_a_batch_ends_well_whatever_its_lines_were() -> None:
    shown = motcua(
        "due", "--batch", given='{"id": 1}\nnonsense\n{"id": 2, "why": "x", "from": "2020-03-02", "to": "2020-03-03"}\n'
    )
    assert shown.exit_code == 0
    first, second, third = map(json.loads, shown.stdout.splitlines())
    assert first == {"id": 1, "error": "limit: thiếu / limit: missing"}
    assert second["id"] is None
    assert third == {"id": 2, "working_minutes": 480}
    assert "'why'" in shown.stderr


def test_a_line_is_answered_while_the_next_is_not_yet_written() -> None:
    asked = [sys.executable, "-c", "from deploy.cli import app; app()", "due", "--batch"]
    with subprocess.Popen(asked, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin
        assert running.stdout
        for number in range(3):
            running.stdin.write(json.dumps({"id": number, "from": "2020-03-02", "to": "2020-03-03"}).encode() + b"\n")
            running.stdin.flush()
            assert json.loads(running.stdout.readline()) == {"id": number, "working_minutes": 480}
        running.stdin.close()
        assert running.wait() == 0


def test_the_calendar_lists_every_day() -> None:
    shown = motcua("calendar", "show", "--from", "2025-12-31", "--to", "2026-01-10", "--json")
    days = {row["date"]: row for row in json.loads(shown.stdout)}
    assert len(days) == 11
    kinds = {day: (row["working"], row["kind"]) for day, row in days.items()}
    assert kinds["2025-12-31"] == (True, "working")
    assert kinds["2026-01-01"] == (False, "holiday")
    assert kinds["2026-01-02"] == (False, "swap_off")
    assert kinds["2026-01-03"] == (False, "weekend")
    assert kinds["2026-01-10"] == (True, "worked_saturday")
    assert days["2026-01-10"]["name"] == "Làm việc bù thứ Bảy (cho ngày 02/01/2026)"
    assert days["2026-01-03"] == {"date": "2026-01-03", "working": False, "kind": "weekend", "name": None}


def test_the_calendar_as_text() -> None:
    shown = motcua("calendar", "show", "--from", "2020-01-28", "--to", "2020-01-30", "--agency", "H56.97.21")
    in_lieu = (
        f"{day}     nghỉ bù / day in lieu         Tết Nguyên đán (mùng {vi} tháng Giêng), nghỉ bù"
        f" / Lunar New Year ({en} day of the first lunar month), day in lieu"
        for day, vi, en in (("thứ Ba 28/01/2020", "Bốn", "4th"), ("thứ Tư 29/01/2020", "Năm", "5th"))
    )
    assert shown.stdout.splitlines() == [
        *in_lieu,
        "thứ Năm 30/01/2020    làm việc / working",
    ]
