"""The short run of the crash test; `make torture` makes the long one."""

import random
from pathlib import Path

import pytest

from tests.torture.crashes import Crashes
from tests.torture.rounds import Length, run

ROUNDS = 10
AT_MOST_S = 40
"""A machine that is busy makes fewer rounds in that time."""


@pytest.mark.timeout(900)
def test_nothing_that_was_acknowledged_is_lost_or_twice(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    crashes = Crashes(tmp_path / "home", seed, appends=40)
    outcome = run(crashes, Length(ROUNDS, at_most_s=AT_MOST_S))
    assert not outcome.problems(), f"seed {seed}: {outcome}"
    assert outcome.rounds > 0
    assert outcome.retried > 0
