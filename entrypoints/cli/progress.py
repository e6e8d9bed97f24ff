"""Progress of long transfers, on stderr and only where a person looks at it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from entrypoints.cli.output import on_terminal, stderr_console

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SHOWN_AFTER_S = 0.5
"""What ends sooner shows no progress: it would only flicker."""

Advance = Callable[[int], None]


@contextmanager
def progress(label: str, total: int | None, *, stdout_is_used: bool = False) -> Iterator[Advance]:
    """Show how many bytes have passed; gives what is to be called with each chunk's size.

    Args:
        label: What goes on.
        total: How many bytes there will be, when that is known.
        stdout_is_used: The bytes go to stdout: with a terminal there, nothing is shown.
    """
    if not sys.stderr.isatty() or (stdout_is_used and on_terminal()):
        yield lambda _: None
        return
    with ExitStack() as stack:
        began = time.monotonic()
        passed = 0
        shown: tuple[Progress, TaskID] | None = None

        def advance(count: int) -> None:
            nonlocal passed, shown
            passed += count
            if shown is None and time.monotonic() - began > SHOWN_AFTER_S:
                bar = stack.enter_context(_bar())
                shown = bar, bar.add_task(label, total=total)
            if shown is not None:
                shown[0].update(shown[1], completed=passed)

        yield advance


@contextmanager
def counting(label: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show how many things are done; gives what is to be called with that and with their number.

    Args:
        label: What is counted.
    """
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    with stderr_console().status(label) as status:

        def told(done: int, total: int | None) -> None:
            of_all = "" if total is None else f" of {total:,}"
            status.update(f"{label}: {done:,}{of_all}")

        yield told


def counted(chunks: Iterable[bytes], advance: Advance) -> Iterator[bytes]:
    """The chunks, each told of as it passes."""
    for chunk in chunks:
        advance(len(chunk))
        yield chunk


def _bar() -> Progress:
    from rich.progress import (  # noqa: PLC0415 - only what takes long waits for its import
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TransferSpeedColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=stderr_console(),
        transient=True,
    )
