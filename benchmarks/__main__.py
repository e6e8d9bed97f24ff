"""Speed and memory, as ratios against a baseline that is measured in the same run.

    make bench                          # all of them
    make bench ARGS="appends results"   # some

Absolute figures depend on the machine; the ratios carry over.
"""

import argparse
from importlib import import_module

BENCHMARKS = (
    "start",
    "appends",
    "bulk",
    "loads",
    "small_appends",
    "snapshots",
    "queries",
    "results",
    "slow_client",
    "disconnects",
    "objects",
)


def main() -> None:
    """Run the benchmarks that are named, or all."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    names = parser.parse_args().names or BENCHMARKS
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"there is no benchmark {min(unknown)!r}; there are {', '.join(BENCHMARKS)}")
    for name in names:
        print(f"\n== {name}")
        import_module(f"benchmarks.{name}").run()


if __name__ == "__main__":
    main()
