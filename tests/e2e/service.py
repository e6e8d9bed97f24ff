"""The service as a process of its own, for tests that stop, kill and restart it."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

DUCKLAKE = Path(sys.executable).with_name("ducklake")
START_TIMEOUT_S = 60


class ServiceProcess:
    """A `ducklake serve` on a home of its own and a free port.

    Attributes:
        home: Its `DUCKLAKE_HOME`.
        environment: What it is started with.
        url: Where it answers, once it is ready.
        started_in_s: Seconds from the process's start until `/readyz` said yes.
    """

    def __init__(
        self,
        home: Path,
        settings: Mapping[str, str] | None = None,
        command: Sequence[str] = (str(DUCKLAKE), "serve"),
    ) -> None:
        self.home = home
        self.url = ""
        self.started_in_s = 0.0
        self._command = command
        self.environment = clean_environment() | {
            "DUCKLAKE_HOME": str(home),
            "DUCKLAKE_PORT": "0",
            **(settings or {}),
        }
        self._process: subprocess.Popen[str] | None = None
        self._output: list[str] = []
        self._reader = threading.Thread()

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self._process is not None
        return self._process

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def output(self) -> str:
        """What it has printed so far, on both streams."""
        return "".join(self._output)

    def ran_s(self) -> float:
        """How long its threads have run, in seconds, those that have ended too.

        Linux: the clock of a process, as clock_getcpuclockid(3) makes it of the process's id.
        """
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def tells_of(self, *answers: httpx.Response) -> str:
        """The answers, and what the log says of their requests."""
        ids = [answer.headers["x-request-id"] for answer in answers]
        return "\n".join(
            [answer.text for answer in answers]
            # A traceback goes over many lines, of which the first one names the request.
            + [self.output[at : at + 20_000] for each in ids if (at := self.output.find(each)) >= 0]
        )

    def start(self, *, wait: bool = True) -> None:
        """Start it, and wait until it is ready."""
        began = time.monotonic()
        self._output = []
        self._process = subprocess.Popen(
            self._command,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.home.parent,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        self.url = self._wait_for_url()
        if wait:
            self.wait_until_ready()
            self.started_in_s = time.monotonic() - began

    def wait_until_ready(self, timeout_s: float = START_TIMEOUT_S) -> None:
        deadline = time.monotonic() + timeout_s
        with self.client() as client:
            while not (answer := client.get("/readyz")).is_success:
                assert time.monotonic() < deadline, f"{answer.text}\n{self.output[-3000:]}"
                time.sleep(0.01)

    def client(self, timeout_s: float = 60) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=timeout_s)

    def stop(self) -> int:
        """Tell it to stop (SIGTERM), and wait for that; its exit code."""
        self.process.terminate()
        return self.ended()

    def kill(self) -> None:
        """Kill it (SIGKILL)."""
        self.process.kill()
        self.ended()

    def ended(self) -> int:
        """Wait until it has ended; its exit code."""
        code = self.process.wait(timeout=60)
        self._reader.join(timeout=10)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._output.extend(process.stdout)

    def _wait_for_url(self) -> str:
        # The server listens before it is ready, and says where only then: ask the system.
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if (port := _listening_port(self.process.pid)) is not None:
                return f"http://127.0.0.1:{port}"
            assert self.process.poll() is None, f"It ended: {self.output}"
            time.sleep(0.005)
        raise AssertionError(f"It does not listen: {self.output}")


@contextmanager
def running_service(
    home: Path, settings: Mapping[str, str] | None = None
) -> Iterator[ServiceProcess]:
    """A service that runs until the block ends."""
    service = ServiceProcess(home, settings)
    service.start()
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.stop()


def clean_environment() -> dict[str, str]:
    """The environment without what would configure the service or its lineage."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DUCKLAKE_", "OPENLINEAGE"))
    }


def _listening_port(pid: int) -> int | None:
    """The loopback port that a process listens on (Linux: /proc/net/tcp, state 0A)."""
    try:
        links = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return None
    sockets = {link.removeprefix("socket:[").rstrip("]") for link in links if "socket:" in link}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and fields[9] in sockets:
            return int(fields[1].rpartition(":")[2], 16)
    return None
