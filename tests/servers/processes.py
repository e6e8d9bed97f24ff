"""Servers as child processes: started, waited for, stopped, and never left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol, TypeVar

from tests.servers import guard
from tests.servers.errors import ServerFailed

POLL_SECONDS = 0.02
LOG_TAIL_LINES = 20


class Startable(Protocol):
    """What can be started."""

    def start(self) -> None:
        """Start, or raise ServerFailed."""


S = TypeVar("S", bound=Startable)


@dataclass(kw_only=True)
class LocalServer:
    """A server in a process of its own, which ends with this one, however this one ends.

    `ready` is asked again and again with the server's process id until it says yes.
    """

    name: str
    command: Sequence[str]
    ready: Callable[[int], bool]
    log: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    kill_signal: signal.Signals = signal.SIGKILL
    start_seconds: float = 30.0
    stop_seconds: float = 10.0
    _guard: subprocess.Popen[str] | None = field(default=None, init=False)
    _pid: int = field(default=0, init=False)
    _paused: bool = field(default=False, init=False)

    @property
    def pid(self) -> int:
        """The server's own process id. Raise ServerFailed if it does not run."""
        if not self.is_running():
            raise ServerFailed(f"{self.name} does not run")
        return self._pid

    def is_running(self) -> bool:
        """Whether the server's process is there."""
        return self._guard is not None and self._guard.poll() is None

    def start(self) -> None:
        """Start it and wait until it is ready; nothing happens if it runs.

        Raise ServerFailed if it ends before it is ready, or is not ready in time.
        """
        if self.is_running():
            return
        self.stop()
        with self.log.open("ab") as log:
            self._guard = guarded(
                self.command,
                self.environment,
                output=log,
                user=self.user,
                stop_signal=self.stop_signal,
                stop_seconds=self.stop_seconds,
            )
        try:
            self._wait_until_ready(self._guard)
        except BaseException:
            self.stop()
            raise

    def _wait_until_ready(self, process: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + self.start_seconds
        assert process.stdout is not None
        said = process.stdout.readline().strip()
        if not said:
            raise ServerFailed(f"{self.name} could not be run; {self._log_tail()}")
        self._pid = int(said)
        while not self.ready(self._pid):
            if process.poll() is not None:
                raise ServerFailed(f"{self.name} ended while starting; {self._log_tail()}")
            if time.monotonic() > deadline:
                raise ServerFailed(
                    f"{self.name} was not ready within {self.start_seconds:g} s; {self._log_tail()}"
                )
            time.sleep(POLL_SECONDS)

    def _log_tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join([f"the end of {self.log}:", *lines[-LOG_TAIL_LINES:]])

    def stop(self) -> None:
        """Ask it to end and wait until it has; nothing happens if it does not run."""
        if (process := self._guard) is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        if self._paused and self.is_running():
            self.resume()  # its children too, or they would outlive it
        process.stdin.close()
        process.stdout.close()
        process.wait()
        self._guard = None

    def kill(self) -> None:
        """End it at once, as a crash would, and wait until it is gone."""
        pid = self.pid
        self.resume()
        os.kill(pid, self.kill_signal)
        assert self._guard is not None
        self._guard.wait()
        self.stop()

    def pause(self) -> None:
        """Make it hang: it keeps its sockets and answers nothing, from when this returns.

        Raise ServerFailed if it does not stop in time.
        """
        self._paused = True
        pids = (self.pid, *_children(self.pid))
        for pid in pids:
            _signal(pid, signal.SIGSTOP)
        deadline = time.monotonic() + self.stop_seconds
        # The signal has been sent, but threads that are running stop a little later
        while not all(map(_is_stopped, pids)):
            if time.monotonic() > deadline:
                raise ServerFailed(f"{self.name} could not be paused")
            time.sleep(POLL_SECONDS)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        for pid in (self.pid, *_children(self.pid)):
            _signal(pid, signal.SIGCONT)
        self._paused = False


def guarded(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    output: IO[bytes] | None = None,
    user: str | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    stop_seconds: float = 10.0,
) -> subprocess.Popen[str]:
    """Run a command under the guard, which ends it once its standard input is closed.

    The first line of the guard's standard output is the command's process id; what the command
    says goes to `output`, or to this process's standard error.
    """
    return subprocess.Popen(
        [
            *(sys.executable, "-I", "-S", guard.__file__),
            *(str(int(stop_signal)), str(stop_seconds), user or "-"),
            *command,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=output,
        env=dict(environment),
        text=True,
        # Ctrl-C is for whoever holds the server, which then stops it in its turn
        start_new_session=True,
    )


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # a child of the server may end by itself
        os.kill(pid, number)


def _is_stopped(pid: int) -> bool:
    """Whether all threads of the process are stopped, or it is gone; true where /proc is not."""
    for thread in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state = thread.read_text().rpartition(")")[2].split()[0]
            if state not in {"T", "t", "Z", "X"}:
                return False
    return True


def _children(pid: int) -> Iterator[int]:
    """Find the processes that a server started (PostgreSQL has one for each connection)."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    for line in listed.stdout.splitlines():
        child, parent = map(int, line.split())
        if parent == pid:
            yield child


def start_on_free_ports(build: Callable[[], S], attempts: int = 3) -> S:
    """Build a server on ports that are free, start it, and try others if one was taken since.

    Raise the last attempt's ServerFailed.
    """
    for _ in range(attempts - 1):
        server = build()
        with suppress(ServerFailed):
            server.start()
            return server
    server = build()
    server.start()
    return server
