from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from domain.randomness import PIECE_BYTES, random_bytes


def test_threads_are_never_given_the_same() -> None:
    with ThreadPoolExecutor(4) as threads:
        given = [
            piece
            for pieces in threads.map(lambda _: [random_bytes() for _ in range(1_000)], range(4))
            for piece in pieces
        ]
    assert {len(piece) for piece in given} == {PIECE_BYTES}
    assert len(set(given)) == len(given)


def test_a_child_process_is_not_given_what_its_parent_is() -> None:
    # In a process of its own: a fork beside the threads of the tests is not safe.
    code = (
        "import os\n"
        "from domain.randomness import random_bytes\n"
        "random_bytes()\n"
        "child = os.fork()\n"
        "os.write(1, random_bytes())\n"
        "child and os.waitpid(child, 0)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert len(told) == 2 * PIECE_BYTES
    assert told[:PIECE_BYTES] != told[PIECE_BYTES:]
