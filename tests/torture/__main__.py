"""The long run of the crash test: `python -m tests.torture --rounds 200 --appends 10000`."""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.torture.crashes import run


def main() -> int:
    """Run it; 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="kills, at least")
    parser.add_argument("--appends", type=int, default=10_000, help="acknowledged, at least")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--home", type=Path, help="where the lake is made, and kept")
    arguments = parser.parse_args()
    began = time.monotonic()
    print(f"seed {arguments.seed}", flush=True)

    def tell(rounds: int, acknowledged: int) -> None:
        if rounds % 10 == 0:
            print(
                f"{rounds} rounds, {acknowledged:,} appends acknowledged, "
                f"{time.monotonic() - began:.0f} s",
                flush=True,
            )

    with tempfile.TemporaryDirectory() as scratch:
        outcome = run(
            arguments.home or Path(scratch) / "home",
            arguments.seed,
            rounds=arguments.rounds,
            appends=arguments.appends,
            tell=tell,
        )
    print(
        f"{outcome.rounds} kills, {outcome.acknowledged:,} appends of {outcome.rows:,} rows "
        f"acknowledged, {outcome.retried:,} requests retried, of which "
        f"{outcome.replayed} were replayed, {outcome.orphans} orphans reclaimed, "
        f"{time.monotonic() - began:.0f} s"
    )
    for problem in outcome.problems():
        print(f"WRONG (seed {arguments.seed}): {problem}")
    return 1 if outcome.problems() else 0


sys.exit(main())
