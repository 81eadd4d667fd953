"""The sinks' log: knows repeats after a kill, holds nobody's number."""

from __future__ import annotations

from pathlib import Path

from deploy.local.sinks.conduct import Conduct, Conducts
from deploy.local.sinks.logbook import LOG_NAME, Kind, Logbook, read_arrivals

NUMBER, TEXT = "+84977123456", "Ho so cua ong Nguyen Van A"


def test_a_reopened_log_still_knows_what_came(tmp_path: Path) -> None:
    first = Logbook(tmp_path)
    assert [first.arrived(Kind.SMS, "r", to=NUMBER, text=TEXT) for _ in range(2)] == [False, True]
    with (tmp_path / LOG_NAME).open("ab") as log:
        log.write(b'{"kind": "sms", "refer')
    second = Logbook(tmp_path)
    assert second.arrived(Kind.SMS, "r", to=NUMBER, text=TEXT)
    assert not second.arrived(Kind.MAIL, "r", to="a@dan.example", text=TEXT)
    nothing = {"arrived": 0, "repeated": 0}
    counted = {"sms": {"arrived": 1, "repeated": 2}, "mail": {"arrived": 1, "repeated": 0}, "zalo": nothing}
    assert second.summary() == counted
    lines = read_arrivals(tmp_path / LOG_NAME)
    assert len(lines) == 4
    assert lines[0]["to"] == second.digest(NUMBER)
    first.close()
    second.close()


def test_the_log_holds_no_number_and_no_text(tmp_path: Path) -> None:
    log = Logbook(tmp_path)
    log.arrived(Kind.SMS, "r", to=NUMBER, text=TEXT)
    log.close()
    written = (tmp_path / LOG_NAME).read_text()
    assert '"reference": "r"' in written
    assert "977123456" not in written
    assert "Nguyen" not in written


def test_misconduct_is_ordered_for_a_number_of_messages() -> None:
    conducts = Conducts()
    conducts.order(Kind.SMS, Conduct.REFUSE, 2)
    assert [conducts.next(Kind.SMS) for _ in range(3)] == [Conduct.REFUSE, Conduct.REFUSE, Conduct.ACCEPT]
    assert conducts.next(Kind.MAIL) is Conduct.ACCEPT
