"""Lines of the log, written in the background."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor

from entrypoints.log_lines import MAX_WAITING, LineWriter


class Stream(io.StringIO):
    """Tells of each time that it is written to; may be made to hold its writer up, or to fail."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()
        self.go_on.set()
        self.written = threading.Semaphore(0)
        self.writes = 0
        self.broken = False

    def write(self, text: str, /) -> int:
        self.go_on.wait()
        self.writes += 1
        try:
            if self.broken:
                raise BrokenPipeError
            return super().write(text)
        finally:
            self.written.release()


def test_lines_are_written_at_once_in_the_foreground() -> None:
    stream = Stream()
    lines = LineWriter(stream, in_background=False)
    lines.write("one")
    assert stream.getvalue() == "one\n"


def test_lines_are_written_together_in_the_background() -> None:
    stream = Stream()
    stream.go_on.clear()
    lines = LineWriter(stream, in_background=True)
    for number in range(100):
        lines.write(str(number))
    assert stream.getvalue() == ""
    stream.go_on.set()
    lines.stop()
    assert stream.getvalue().split() == [str(number) for number in range(100)]
    assert stream.writes < 100


def test_a_line_is_written_without_any_other() -> None:
    stream = Stream()
    lines = LineWriter(stream, in_background=True)
    for each in ("one", "two"):
        lines.write(each)
        assert stream.written.acquire(timeout=60)
    assert stream.getvalue() == "one\ntwo\n"
    lines.stop()


def test_what_is_written_at_once_comes_behind_what_waits() -> None:
    stream = Stream()
    lines = LineWriter(stream, in_background=True)
    lines.write("one")
    lines.write("two", at_once=True)
    assert stream.getvalue() == "one\ntwo\n"
    lines.stop()


def test_lines_of_many_threads_stay_whole_and_all_come() -> None:
    stream = Stream()
    lines = LineWriter(stream, in_background=True)

    def write(thread: int) -> None:
        for number in range(500):
            lines.write(f"{thread} {number}", at_once=number % 50 == 0)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    lines.stop()
    written = stream.getvalue().splitlines()
    assert sorted(written) == sorted(f"{t} {n}" for t in range(4) for n in range(500))
    for thread in range(4):
        mine = [line for line in written if line.startswith(f"{thread} ")]
        assert mine == [f"{thread} {number}" for number in range(500)]


def test_too_many_lines_do_not_wait() -> None:
    stream = Stream()
    lines = LineWriter(stream, in_background=True)
    for _ in range(MAX_WAITING * 2):
        lines.write("line")
        assert len(lines) < MAX_WAITING
    lines.stop()
    assert stream.getvalue().count("\n") == MAX_WAITING * 2


def test_after_its_stop_lines_are_written_at_once() -> None:
    stream = Stream()
    lines = LineWriter(stream, in_background=True)
    lines.stop()
    lines.write("late")
    assert stream.getvalue() == "late\n"


def test_a_stream_that_fails_for_a_while_is_tried_again() -> None:
    stream = Stream()
    lines = LineWriter(stream, in_background=True)
    stream.broken = True
    lines.write("lost")
    assert stream.written.acquire(timeout=60)
    stream.broken = False
    lines.write("kept")
    assert stream.written.acquire(timeout=60)
    assert stream.getvalue() == "kept\n"
    lines.stop()
