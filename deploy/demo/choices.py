"""What is done with a dossier now: by the fate and the course of its arrival, else by its officer's duty. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from deploy.demo.courses import HELD
from deploy.demo.fates import Fate
from deploy.demo.ledger import Entry
from deploy.demo.offices import Duty, Item, Officer
from shared.rulebook.limits import overdue_from


def next_duty(entry: Entry | None, item: Item, now: datetime) -> Duty | None:
    """Choose among an officer's duties: the straight one, or what the dossier's course puts in its place.

    None: the dossier is left alone. Without an entry it is somebody else's, which is served as it comes.
    """
    possible = [duty for duty in item.duties if _may_do(entry, item, duty, now)]
    first = min(possible, key=lambda duty: (duty.action != "send_apology", duty.step_no), default=None)
    course = None if entry is None else entry.arrival.course
    if entry is None or course is None or first is None:
        return first
    turns = not entry.turned and course.turns_at(first.step_no, first.action)
    action = course.way.act if turns else first.action
    return replace(first, action=action, said=course.said.get(action, {}))


def _may_do(entry: Entry | None, item: Item, duty: Duty, now: datetime) -> bool:
    """Open and late dossiers are held where the plan says, others by their courses; only late ones get an apology."""
    if entry is None:
        return duty.action != "send_apology" and duty.action not in HELD
    fate, course = entry.arrival.fate, entry.arrival.course
    if duty.action == "send_apology":
        return fate is Fate.LATE
    lets = duty.action not in HELD if course is None else course.lets(duty.step_no, duty.action, now)
    if not lets or fate is Fate.ORDINARY or (fate is Fate.LATE and now > item.promised_due):
        return lets
    return duty.action not in {"finish", "hand_over"} and duty.step_no <= entry.arrival.halt_after


def goes_on_at(entry: Entry | None, item: Item) -> datetime | None:
    """Say when an officer may go on with a dossier that he has to leave alone now; None: he waits for nothing."""
    if entry is None:
        return None
    course = entry.arrival.course
    if entry.arrival.fate is Fate.LATE:
        return overdue_from(item.promised_due)
    waits = course is not None and any(duty.action == course.way.held for duty in item.duties)
    return course.until if course is not None and waits else None


def brought(entry: Entry) -> str:
    """Name what the applicant of a dossier hands in when he answers; empty where he is silent."""
    course = entry.arrival.course
    return "" if course is None else course.way.filed


def concerned(entry: Entry) -> Officer:
    """Name whose worklist shows what comes of an answer or of silence."""
    course = entry.arrival.course
    role = "" if course is None else course.way.role
    return Officer(entry.competent_agency if role == "leader" else entry.arrival.place.code, role)
