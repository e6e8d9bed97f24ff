"""The short run of the crash test; `make torture` makes the long one."""

import random
from pathlib import Path

import pytest

from tests.torture.crashes import run

ROUNDS = 10


@pytest.mark.timeout(900)
def test_nothing_that_was_acknowledged_is_lost_or_twice(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    outcome = run(tmp_path / "home", seed, rounds=ROUNDS, appends=1, appends_a_round=40)
    assert not outcome.problems(), f"seed {seed}: {outcome}"
    assert outcome.rounds >= ROUNDS
    assert outcome.retried > 0
