from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from deploy.local.folder import Folder
from deploy.local.parts import Part
from deploy.local.processes import Launch
from deploy.local.supervisor import Supervisor


async def answers() -> str | None:
    return None


async def test_a_part_that_cannot_be_started_again_just_now_is_started_when_it_can(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    launch = Launch(("/bin/sleep", "600"), {}, log=logs / "sleeper.log", folder=tmp_path)
    folder = Folder(tmp_path / "stack")
    folder.prepare()
    supervisor = Supervisor(folder, {})
    await supervisor.start([Part("sleeper", launch, answers)])
    try:
        shutil.rmtree(logs)
        victim = supervisor.kill("sleeper")
        while "sleeper cannot be started" not in capsys.readouterr().err:
            await asyncio.sleep(0.01)
        logs.mkdir()
        await supervisor.wait_ready("sleeper")
        assert supervisor.restarts("sleeper") == 1
        assert supervisor.identity("sleeper") != victim
    finally:
        await supervisor.stop()
