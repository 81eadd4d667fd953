"""The checker finds nothing in a sound history, and each violation planted in it; it imports nothing of the product."""

from __future__ import annotations

import ast
import copy
import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.faults import checker, order
from tests.faults.checker import History, judge, read

Row = dict[str, Any]

CODE, PLACE, DAY = "H56.97.21-200102-0001", "H56.97.21", "2020-01-02"
DUE = "2020-01-03T17:00:00+07:00"
LIFECYCLE, CONTACTS, OUTCOMES = checker.LIFECYCLE, checker.CONTACTS, checker.OUTCOMES


def fact(source: str, topic: str, seq: int, kind: str, **body: Any) -> dict[str, Any]:
    name = f"{source}-{topic}-{seq}"
    return {
        "source": source,
        "topic": topic,
        "subject": CODE,
        "seq": seq,
        "id": name,
        "type": f"vn.motcua.{kind}.v1",
        "legal_time": "2020-01-02T08:00:00+07:00",
        "digest": name,
        "recorded": 1,
        "body": body,
    }


def journal() -> list[dict[str, Any]]:
    steps = (
        ("assigned", 4),
        ("result_signed", 4),
        ("result_numbered", 4),
        ("half_time_reached", 4),
        ("result_ready", 9),
    )
    accepted = fact("intake", LIFECYCLE, 1, "dossier.accepted", received_by=PLACE, field="land", promised_due=DUE)
    decided = [
        fact("processing", LIFECYCLE, seq, f"dossier.{kind}", state=state) for seq, (kind, state) in enumerate(steps, 1)
    ]
    told = [
        fact("notification", OUTCOMES, seq, f"notice.{kind}", channel="sms")
        for seq, kind in enumerate(("handed_over", "delivered"), 1)
    ]
    return [accepted, fact("intake", CONTACTS, 1, "dossier.contact_stated"), *decided, *told]


def message(number: int, about: dict[str, Any], template: str) -> tuple[dict[str, Any], dict[str, Any]]:
    written = {"id": f"m{number}", "fact_id": about["id"], "channel": "sms", "state": "delivered", "template": template}
    return written, {"fact_id": about["id"], "code": CODE, "template": template}


@pytest.fixture
def sound() -> History:
    """One dossier: accepted, decided on time, its applicant told twice."""
    rows = journal()
    messages, notices = zip(message(1, rows[0], "accepted"), message(2, rows[6], "result_ready"), strict=True)
    ends = {(row["source"], row["topic"]): row["seq"] for row in rows}
    cursors = [
        {"service": reader, "source": source, "topic": topic, "subject": CODE, "seq": ends[source, topic]}
        for reader, streams in checker.READ_BY.items()
        for source, topic in streams
    ]
    moves = [
        {"service": one["service"], "deed": deed, "xid": str(xid), "was": was, "seq": seq, "at": 10}
        | {name: one[name] for name in ("source", "topic", "subject")}
        for one in cursors
        for xid, (deed, was, seq) in enumerate(
            [("insert", None, 0), *(("update", seq - 1, seq) for seq in range(1, one["seq"] + 1))]
        )
    ]
    effects = [
        {"service": "notification", "fact_id": notice["fact_id"], "xid": str(rows[place]["seq"])}
        for place, notice in zip((0, 6), notices, strict=True)
    ]
    counted = {"day": DAY, "place": PLACE, "field": "land", "number": 1}
    notice_counts = [{"channel": "sms", "outcome": outcome, "number": 1} for outcome in ("handed_over", "delivered")]
    answers = [
        {"method": "POST", "target": "/v1/dossiers", "key": "k1", "status": None},
        {"method": "POST", "target": "/v1/dossiers", "key": "k1", "status": 201, "code": CODE},
        {
            "method": "POST",
            "target": f"/v1/dossiers/{CODE}/acts/finish",
            "key": "k2",
            "status": 200,
            "code": CODE,
            "version": 5,
        },
    ]
    return History(
        answers=answers,
        facts=[{**row, "generation": 0, "partition": 0, "offset": n, "at": 5} for n, row in enumerate(rows)],
        journal=rows,
        moves=moves,
        effects=effects,
        strikes=[
            {
                "row": 1,
                "began": "2026-01-01T10:00",
                "healed": "2026-01-01T10:05",
                "quiet": "2026-01-01T10:06",
                "may_double": True,
                "may_lose": True,
                "recovered_after": 3,
                "legal_now": "2020-01-03T17:00:00+07:00",
            }
        ],
        processes=[{"row": 1, "part": "intake", "rss_kb": 90_000, "files": 40}],
        peaks=[{"row": 5, "part": "intake", "before_kb": 90_000, "peak_kb": 92_000}],
        arrivals=[{"kind": "sms", "reference": f"m{n}", "at": f"2026-01-01T10:0{n}"} for n in (1, 2)],
        tables={
            "intake.dossiers": [{"code": CODE, "place": PLACE, "day": DAY, "number": 1}],
            "intake.day_numbers": [{"place": PLACE, "day": DAY, "last_number": 1}],
            "processing.cases": [{"code": CODE, "state": 9, "version": 5}],
            "notification.dossiers": [{"code": CODE}],
            "metrics.dossiers": [{"code": CODE}],
            "notification.contacts": [{"code": CODE, "channels": ["sms"]}],
            "notification.notices": list(notices),
            "notification.messages": list(messages),
            "cursors": cursors,
            "unsent": [{"service": "intake", "facts": 0}],
            "metrics.daily_counters": [{**counted, "figure": "received"}, {**counted, "figure": "resolved_on_time"}],
            "metrics.daily_notices": notice_counts,
        },
        texts={"intake.log": "all is well"},
        needles=["Thử Nghiệm"],
    )


def test_nothing_is_found_in_a_sound_history(sound: History) -> None:
    assert judge(sound) == []


def lost_case(found: History) -> None:
    found.tables["processing.cases"].clear()


def two_codes_for_a_key(found: History) -> None:
    found.answers.append({**found.answers[1], "code": "H56.97.21-200102-0002"})


def foreign_dossier(found: History) -> None:
    found.tables["intake.dossiers"].append({"code": "X", "place": "P", "day": DAY, "number": 1})


def hole_in_numbers(found: History) -> None:
    found.tables["intake.day_numbers"][0]["last_number"] = 2


def act_forgotten(found: History) -> None:
    found.answers[2]["version"] = 6


def two_acts_with_one_version(found: History) -> None:
    found.answers.append({**found.answers[2], "key": "k3"})


def never_published(found: History) -> None:
    found.facts.pop(3)


def other_bytes(found: History) -> None:
    found.facts[3]["digest"] = "forged"


def never_recorded(found: History) -> None:
    found.facts.append({**found.facts[3], "seq": 99})


def lost_with_the_topic(found: History) -> None:
    found.facts.append({**found.facts[2], "generation": 1})


def still_unsent(found: History) -> None:
    found.tables["unsent"][0]["facts"] = 1


def hole_in_a_chain(found: History) -> None:
    found.journal.remove(found.journal[3])


def reader_behind(found: History) -> None:
    found.tables["cursors"][0]["seq"] -= 1


def move_of(found: History, service: str, seq: int) -> Row:
    """Find the move by which a reader passed a fact of processing."""
    return next(
        move for move in found.moves if (move["service"], move["source"], move["seq"]) == (service, "processing", seq)
    )


def overtaken(found: History) -> None:
    """Facts 2 and 3 were passed at once, before 2 was published."""
    found.moves.remove(move_of(found, "metrics", 2))
    move_of(found, "metrics", 3)["was"] = 1
    found.facts[3]["at"] = 11


def moved_again(found: History) -> None:
    found.moves.insert(found.moves.index(move_of(found, "intake", 3)), copy.copy(move_of(found, "intake", 2)))


def moved_back(found: History) -> None:
    ahead = move_of(found, "intake", 3)
    at = found.moves.index(ahead)
    found.moves[at + 1 : at + 1] = [{**ahead, "was": 3, "seq": 2}, {**ahead, "was": 2, "seq": 3}]


def moved_unseen(found: History) -> None:
    found.moves.remove(move_of(found, "notification", 5))


def place_forgotten(found: History) -> None:
    last = move_of(found, "metrics", 5)
    found.moves += [{**last, "deed": "delete", "was": 5, "seq": None}, {**last, "deed": "insert", "was": None}]


def wiped_without_leave(found: History) -> None:
    found.moves.insert(0, {**found.moves[0], "service": "metrics", "deed": "truncate", "topic": None, "source": None})


def notices_in_another_order(found: History) -> None:
    """The notice of an earlier fact of one stream comes behind that of a later one."""
    found.journal[3]["type"] = "vn.motcua.dossier.became_overdue.v1"
    found.effects.append({"service": "notification", "fact_id": found.journal[3]["id"], "xid": "2"})


def notice_without_its_move(found: History) -> None:
    found.effects[1]["xid"] = "4"


def notice_unseen(found: History) -> None:
    found.effects.pop()


def act_twice(found: History) -> None:
    found.tables["processing.cases"][0]["version"] = 6


def notice_twice(found: History) -> None:
    found.tables["notification.notices"].append(found.tables["notification.notices"][0])


def illegal_move(found: History) -> None:
    found.journal[2]["type"] = "vn.motcua.dossier.result_handed_over.v1"


def timer_twice(found: History) -> None:
    found.journal[5]["type"] = found.journal[4]["type"] = "vn.motcua.dossier.half_time_reached.v1"


def timer_that_never_fired(found: History) -> None:
    """It is a second past the due moment, and the dossier is still being decided."""
    found.strikes[0]["legal_now"] = "2020-01-03T17:00:01+07:00"
    found.journal.remove(found.journal[6])
    found.tables["processing.cases"][0]["state"] = 4


def case_elsewhere(found: History) -> None:
    found.tables["processing.cases"][0]["state"] = 4


def came_twice_where_once(found: History) -> None:
    found.arrivals.append(found.arrivals[1])


def came_twice_without_leave(found: History) -> None:
    found.arrivals.append(found.arrivals[0])
    found.strikes[0]["may_double"] = False


def came_again_and_was_never_given_up(found: History) -> None:
    found.arrivals.append({**found.arrivals[0], "at": "2026-01-01T10:04"})


def came_again_after_its_leave(found: History) -> None:
    found.arrivals.append({**found.arrivals[0], "at": "2026-01-01T10:07"})


def came_before_the_leave(found: History) -> None:
    found.arrivals.append({**found.arrivals[0]})
    found.arrivals[0]["at"] = "2026-01-01T09:59"


def given_up_without_an_excuse(found: History) -> None:
    found.arrivals.pop()
    found.tables["notification.messages"][1]["state"] = "unknown"


def never_arrived(found: History) -> None:
    found.arrivals.pop(0)


def failed_without_rejection(found: History) -> None:
    found.tables["notification.messages"][0]["state"] = "failed"
    found.arrivals.pop(0)


def never_submitted(found: History) -> None:
    found.arrivals.append({**found.arrivals[0], "reference": "m9"})


def not_addressed(found: History) -> None:
    found.tables["notification.messages"].pop()
    found.arrivals.pop()


def counted_twice(found: History) -> None:
    found.tables["metrics.daily_counters"][0]["number"] = 2


def notice_not_counted(found: History) -> None:
    found.tables["metrics.daily_notices"].pop()


def slow_recovery(found: History) -> None:
    found.strikes[0]["recovered_after"] = 61


def person_in_a_log(found: History) -> None:
    found.texts["intake.log"] = "Nguyễn Thử Nghiệm 00001"


def person_in_a_fact(found: History) -> None:
    found.facts[0]["body"] = {"note": "Nguyễn Thử Nghiệm 00001"}


def person_in_a_contact(found: History) -> None:
    contact = next(each for each in found.facts if each["topic"] == CONTACTS)
    contact["body"] = {"sealed": "Nguyễn Thử Nghiệm 00001"}


def leak(found: History) -> None:
    found.processes[0]["files"] = 10_000


def swollen(found: History) -> None:
    found.peaks[0]["peak_kb"] = 190_000


PLANTED: dict[str, tuple[Callable[[History], None], ...]] = {
    "I1": (lost_case, two_codes_for_a_key, foreign_dossier, hole_in_numbers, act_forgotten, two_acts_with_one_version),
    "I2": (never_published, other_bytes, never_recorded, lost_with_the_topic, still_unsent),
    "I3": (
        *(hole_in_a_chain, reader_behind, act_twice, notice_twice, overtaken, moved_again, moved_back, moved_unseen),
        *(place_forgotten, wiped_without_leave, notices_in_another_order, notice_without_its_move, notice_unseen),
    ),
    "I4": (illegal_move, timer_twice, timer_that_never_fired, case_elsewhere),
    "I5": (
        *(came_twice_where_once, came_twice_without_leave, came_again_after_its_leave, came_before_the_leave),
        came_again_and_was_never_given_up,
        *(never_arrived, given_up_without_an_excuse, failed_without_rejection, never_submitted),
        not_addressed,
    ),
    "I6": (counted_twice, notice_not_counted),
    "I7": (slow_recovery,),
    "I8": (person_in_a_log, person_in_a_fact, person_in_a_contact, leak, swollen),
}


@pytest.mark.parametrize(
    ("invariant", "plant"), [(name, plant) for name, plants in PLANTED.items() for plant in plants]
)
def test_a_planted_violation_is_found(sound: History, invariant: str, plant: Callable[[History], None]) -> None:
    history = copy.deepcopy(sound)
    plant(history)
    assert [fault for fault in judge(history) if fault.startswith(invariant)], judge(history)


def test_every_invariant_is_seen_to_fail() -> None:
    assert PLANTED.keys() == checker.INVARIANTS.keys()


def test_what_was_given_up_amid_a_fault_that_may_double_comes_again(sound: History) -> None:
    """Its sender told that it knew nothing, and called again."""
    came_again_and_was_never_given_up(sound)
    (fault,) = judge(sound, ("I5",))
    assert "came again at 2026-01-01T10:04 without leave" in fault
    given_up = fact("notification", OUTCOMES, 3, "notice.unknown", channel="sms", message_id="m1")
    sound.journal.append({**given_up, "recorded": datetime.fromisoformat("2026-01-01T10:03").timestamp() * 1000})
    assert judge(sound, ("I5",)) == []


def test_a_timer_that_never_fired_is_named(sound: History) -> None:
    timer_that_never_fired(sound)
    (fault,) = judge(sound, ("I4",))
    assert fault.endswith("apology_drafted, became_overdue never fired")


def test_a_planted_disorder_is_named(sound: History) -> None:
    """Each is found by the rule that it breaks, not by another that it breaks too."""
    said = {overtaken: "passed over 2 before it was published", moved_again: "moved from 1 and stood at 2"}
    said |= {moved_back: "moved from 3 to 2", moved_unseen: "was moved to 4 and stands at 5"}
    said |= {notices_in_another_order: "did 2 after 5", notice_without_its_move: "did 5 without moving over it"}
    for plant, words in said.items():
        history = copy.deepcopy(sound)
        plant(history)
        assert [fault for fault in judge(history, ("I3",)) if words in fault], (plant.__name__, judge(history))


def test_figures_that_an_operator_wiped_are_read_again(sound: History) -> None:
    again = [move for move in sound.moves if move["service"] == "metrics"]
    sound.moves += [{**again[0], "deed": "truncate", "was": None, "seq": None}, *again]
    assert judge(sound) != []
    sound.wiped.append({"service": "metrics"})
    assert judge(sound) == []


def test_what_a_lost_topic_may_have_held_is_no_disorder(sound: History) -> None:
    """Recorded before its topic was made anew, applied, and seen on the topic only when it was refilled."""
    for fact in sound.facts:
        if fact["topic"] == LIFECYCLE:
            fact |= {"generation": 1, "at": 20}
    assert judge(sound) == []
    sound.journal[3]["recorded"] = 21
    assert [fault for fault in judge(sound) if "passed over 2 before" in fault]


def test_a_message_that_a_gateway_rejected_may_stand_as_failed(sound: History) -> None:
    failed_without_rejection(sound)
    sound.ordered.append({"sink": "sms", "conduct": "reject", "times": 1})
    assert not [fault for fault in judge(sound) if fault.startswith("I5")]


def test_a_history_is_read_from_its_files(sound: History, tmp_path: Path) -> None:
    place = tmp_path / "history"
    for part in (place / "tables", place / "pages", tmp_path / "logs", tmp_path / "sinks"):
        part.mkdir(parents=True)
    for name in ("answers", "facts", "journal", "moves", "effects", "strikes", "processes", "peaks"):
        lines = "".join(json.dumps(line) + "\n" for line in getattr(sound, name))
        (place / f"{name}.jsonl").write_text(lines + '{"torn', "utf-8")
    (tmp_path / "sinks" / "arrivals.jsonl").write_text("".join(json.dumps(line) + "\n" for line in sound.arrivals))
    rows = [{"table": table, **row} for table, found in sound.tables.items() for row in found]
    (place / "tables" / "0001.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:3]))
    (place / "tables" / "0002.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "logs" / "intake.log").write_text("all is well")
    (place / "needles.json").write_text(json.dumps(sound.needles))
    found = read(tmp_path)
    assert found.journal == sound.journal
    assert judge(found) == []


def test_it_imports_the_standard_library_only() -> None:
    imported: set[str] = set()
    for module in (checker, order):
        tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
        imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported - {order.__name__}} <= sys.stdlib_module_names
