"""One running stack for all faults; what they leave behind is part of what the next one meets."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator

import pytest

from tests.faults.town import Town
from tests.faults.trial import TrialStack

SEED = int(os.environ.get("MOTCUA_TEST_FAULTS_SEED", "1"))


@pytest.fixture(scope="package")
async def town() -> AsyncIterator[Town]:
    async with TrialStack() as stack:
        with contextlib.closing(Town(stack, SEED)) as made:
            yield made
