"""A wall around the process's memory, so that no query has the system kill the service.

The engine's own limit is none: what a vector of long texts needs while one step works on it
is not counted, and took many times the limit. Behind the wall such an allocation fails, which
the engine tells as an error of that query. (DuckDB's allocations are jemalloc's.)
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
import threading
from pathlib import Path

SHARE_OF_MEMORY = 0.9
"""How much of the machine's or the container's memory the process may have by default."""

MOVE_EVERY_S = 1.0
STACK_BYTES = 8 * 1024**2
"""The address space of a thread's stack, of which a thread touches little."""

# mallopt(3). Blocks of a result (some megabytes each) come from memory that is kept, instead of
# from the system and back to it each time: a tenth of the CPU time of a large Arrow result.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT_BLOCK_BYTES = 8 * 1024**2
_KEPT_FREE_BYTES = 16 * 1024**2

_CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
# Left to itself, it keeps address space for good, which the wall counts as memory. Memory that is
# free stays for some seconds, or each query would have the system clear the same pages again.
_ALLOCATOR = ("DUCKDB_JE_MALLOC_CONF", "retain:false,dirty_decay_ms:5000,muzzy_decay_ms:0")


def limit_memory(limit: int | None) -> None:
    """Limit the memory of this process, on Linux; before the engine is imported.

    Args:
        limit: In bytes; None is most of what the machine or the container has.
    """
    bytes_ = memory_of_process(limit)
    if bytes_ is None:
        return
    os.environ.setdefault(*_ALLOCATOR)
    keep_blocks()
    move_wall(bytes_)
    threading.Thread(target=_keep, args=(bytes_,), name="memory-limit", daemon=True).start()


def memory_of_process(limit: int | None) -> int | None:
    """What the process may have, in bytes: `limit`, or most of what there is.

    None elsewhere than on Linux, where nothing bounds it.
    """
    if sys.platform != "linux":
        return None
    return round(available_memory() * SHARE_OF_MEMORY) if limit is None else limit


def keep_blocks() -> bool:
    """Have the C library keep some free memory; False where it is not glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(
        mallopt(_M_MMAP_THRESHOLD, _KEPT_BLOCK_BYTES)
        and mallopt(_M_TRIM_THRESHOLD, _KEPT_FREE_BYTES)
    )


def available_memory(cgroup_limits: tuple[Path, ...] = _CGROUP_LIMITS) -> int:
    """The memory of the machine or, if that is less, of the container, in bytes."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for file in cgroup_limits:
        try:
            limits.append(int(file.read_text()))
        except (OSError, ValueError):
            # No such file, or "max".
            continue
    return min(limits)


def move_wall(limit: int) -> None:
    """Set the wall for `limit` bytes and the stacks of the threads that there are now."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wall = limit + threading.active_count() * STACK_BYTES
    if hard != resource.RLIM_INFINITY:
        wall = min(wall, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (wall, hard))


def _keep(limit: int) -> None:
    pause = threading.Event()
    while not pause.wait(MOVE_EVERY_S):
        move_wall(limit)
