"""The long run of the crash tests: `python -m tests.torture --rounds 200 --appends 10000`.

With `--replicas` it is two services on MinIO and PostgreSQL, else one on a lake in its home.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.e2e.served import Stack
from tests.servers.minio import any_minio
from tests.servers.postgres import any_postgres, new_database
from tests.servers.s3 import Buckets
from tests.torture.crashes import Crashes
from tests.torture.replicas import Replicas
from tests.torture.rounds import Length, Torture, run


def main() -> int:
    """Run it; 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="kills, at least")
    parser.add_argument("--appends", type=int, default=10_000, help="acknowledged, at least")
    parser.add_argument(
        "--appends-a-round", type=int, default=120, help="acknowledged between kills, at most"
    )
    parser.add_argument(
        "--seconds", type=float, default=math.inf, help="begin no other round behind so many"
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--home", type=Path, help="where the lake is made, and kept")
    parser.add_argument(
        "--replicas", action="store_true", help="two services on MinIO and PostgreSQL"
    )
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

    # Short, and open to the user of PostgreSQL
    with tempfile.TemporaryDirectory(prefix="ducklake-") as scratch:
        Path(scratch).chmod(0o755)
        of_kind = _on_servers if arguments.replicas else _embedded
        with ExitStack() as servers:
            torture = of_kind(arguments, Path(scratch), servers)
            length = Length(arguments.rounds, arguments.appends, arguments.seconds)
            outcome = run(torture, length, tell)
    print(
        f"{outcome.rounds} kills, {outcome.acknowledged:,} appends of {outcome.rows:,} rows "
        f"acknowledged, {outcome.retried:,} requests retried, {outcome.replayed:,} answers "
        f"replayed, {len(outcome.lost)} rows lost, {len(outcome.duplicated)} twice, "
        f"{outcome.orphans} orphans reclaimed, {time.monotonic() - began:.0f} s"
    )
    for problem in outcome.problems():
        print(f"WRONG (seed {arguments.seed}): {problem}")
    return 1 if outcome.problems() else 0


def _embedded(arguments: argparse.Namespace, scratch: Path, _: ExitStack) -> Torture:
    home = arguments.home or scratch / "home"
    return Crashes(home, arguments.seed, appends=arguments.appends_a_round)


def _on_servers(arguments: argparse.Namespace, scratch: Path, servers: ExitStack) -> Torture:
    homes = arguments.home or scratch / "homes"
    homes.mkdir(parents=True, exist_ok=True)
    store = servers.enter_context(any_minio(scratch / "minio"))
    buckets = Buckets(store)
    servers.callback(buckets.remove_all)
    postgres = servers.enter_context(any_postgres(scratch / "postgres"))
    catalog = servers.enter_context(new_database(postgres))
    settings = Stack(store, catalog, buckets.name()).settings()
    return Replicas(homes, settings, arguments.seed, appends=arguments.appends_a_round)


sys.exit(main())
