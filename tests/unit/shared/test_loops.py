from __future__ import annotations

import asyncio

import pytest

from shared.loops import unless


async def test_work_that_comes_to_its_end_is_done_and_nothing_is_left_running() -> None:
    done: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0)
        done.append("work")

    before = asyncio.all_tasks()
    await unless(asyncio.Event(), work())
    assert done == ["work"]
    assert asyncio.all_tasks() == before


async def test_work_that_fails_raises() -> None:
    async def work() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await unless(asyncio.Event(), work())


async def test_work_is_broken_off_when_the_event_is_set() -> None:
    stop, begun = asyncio.Event(), asyncio.Event()
    ended: list[str] = []

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    waiting = asyncio.create_task(unless(stop, work()))
    await begun.wait()
    stop.set()
    await waiting
    assert ended == ["cancelled"]
