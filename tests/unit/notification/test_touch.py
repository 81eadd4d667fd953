"""For how long a process has been in touch with the database."""

from __future__ import annotations

import pytest

from services.notification.domain.touch import Touch


@pytest.mark.parametrize(
    ("turns", "begins", "lasted"),
    [
        pytest.param([], 100, 0, id="it has just started"),
        pytest.param([(100, "well"), (105, "well")], 108, 8, id="all ended well"),
        pytest.param([(100, "well"), (105, "well")], 110, 10, id="as silent as may be"),
        pytest.param([(100, "well"), (105, "well")], 110.5, 0, id="a silence just now, or a turn that took so long"),
        pytest.param([(100, "well"), (107, "well")], 110, 3, id="a silence before"),
        pytest.param([(100, "well"), (105, "failed")], 106, 0, id="the last turn failed"),
        pytest.param([(100, "well"), (102, "failed"), (103, "well")], 105, 2, id="a turn failed before"),
    ],
)
def test_only_turns_that_ended_well_without_a_silence_count(
    turns: list[tuple[float, str]], begins: float, lasted: float
) -> None:
    touch = Touch(longest_silence=5)
    for began, ended in turns:
        touch.begin(began)
        if ended == "well":
            touch.end()
    assert touch.begin(begins) == lasted
