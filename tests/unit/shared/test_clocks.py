from __future__ import annotations

import resource
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.clocks import (
    OFFICE_ZONE,
    ClockUnreadable,
    ClockWentBack,
    ScenarioClock,
    SystemLegalClock,
    legal_clock,
    write_scenario,
)
from shared.settings import ClockSettings

MORNING = datetime(2020, 1, 2, 7, 30, 0, 999, tzinfo=OFFICE_ZONE)


def test_the_scenario_is_read_at_each_call_to_the_second(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    write_scenario(path, MORNING)
    clock = legal_clock(ClockSettings(scenario_file=path))
    assert clock.now() == MORNING.replace(microsecond=0)
    write_scenario(path, (MORNING + timedelta(hours=1)).astimezone(UTC))
    assert clock.now().isoformat() == "2020-01-02T08:30:00+07:00"
    assert [entry.name for entry in tmp_path.iterdir()] == ["clock"]


def test_the_scenario_may_stand_still_but_never_goes_back(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    write_scenario(path, MORNING)
    clock = ScenarioClock(path)
    assert clock.now() == clock.now()
    write_scenario(path, MORNING - timedelta(seconds=1))
    with pytest.raises(ClockWentBack):
        clock.now()


@pytest.mark.parametrize("text", ["", "noon", "2020-01-02T07:30:00+07:00"])
def test_what_is_no_moment_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clock"
    path.write_text(text)
    with pytest.raises(ClockUnreadable):
        ScenarioClock(path).now()
    with pytest.raises(ClockUnreadable):
        write_scenario(path, MORNING)
    with pytest.raises(ClockUnreadable):
        ScenarioClock(tmp_path / "nowhere").now()


def test_a_clock_that_was_read_once_needs_no_other_file_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    write_scenario(path, MORNING)
    clock = ScenarioClock(path)
    clock.now()
    write_scenario(path, MORNING + timedelta(hours=1))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        assert clock.now() == (MORNING + timedelta(hours=1)).replace(microsecond=0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_systems_legal_clock_has_the_offices_zone_and_whole_seconds() -> None:
    now = SystemLegalClock().now()
    assert (now.utcoffset(), now.microsecond) == (timedelta(hours=7), 0)
    assert isinstance(legal_clock(ClockSettings()), SystemLegalClock)


def test_a_moment_without_an_offset_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="offset"):
        write_scenario(tmp_path / "clock", MORNING.replace(tzinfo=None))
