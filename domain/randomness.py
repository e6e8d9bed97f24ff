"""Random bytes of the system's generator, taken ahead.

Asking it gives up the interpreter's lock, and while other threads are busy it takes up to
milliseconds to get that back: too much to pay for each id.
"""

from __future__ import annotations

import os
from collections import deque

PIECE_BYTES = 16
_PIECES = 256

# Each of its methods that is used here is one step for all threads.
_ahead: deque[bytes] = deque()
# A child process must not go on with the bytes of its parent.
os.register_at_fork(after_in_child=_ahead.clear)


def random_bytes() -> bytes:
    """Give `PIECE_BYTES` bytes that nobody can guess and that were never given before."""
    try:
        return _ahead.popleft()
    except IndexError:
        fresh = os.urandom(PIECE_BYTES * _PIECES)
        pieces = [fresh[start : start + PIECE_BYTES] for start in range(0, len(fresh), PIECE_BYTES)]
        mine = pieces.pop()
        _ahead.extend(pieces)
        return mine
