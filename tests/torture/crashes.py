"""Kill the service at random moments under clients that retry, and count what is left.

The service is killed with SIGKILL: what it had not handed to the system is lost. Whatever was
acknowledged must be there, once, and the lake must open each time.
"""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

from tests.e2e.service import ServiceProcess
from tests.torture.appender import Appender
from tests.torture.outcome import Outcome, checked, make_table, stored_in
from tests.torture.rounds import Torture

EARLY_SHARE = 0.2
"""How many of the kills come while the service starts."""
LONGEST_S = 120.0
"""A round ends then at the latest, however few appends it had."""
MOMENT_S = 0.03
"""A kill comes so long behind an acknowledgement at the most: several commits, on any machine."""


class Crashes(Torture):
    """One run.

    Args:
        home: The lake's home, which must not be there yet.
        seed: From which batches, and the moments of the kills, are drawn.
        clients: How many clients append at the same time.
        appends: How many appends a round may have until the kill, at most.
    """

    def __init__(self, home: Path, seed: int, clients: int = 8, appends: int = 120) -> None:
        self._service = ServiceProcess(home)
        self._random = random.Random(seed)
        self._appenders = [Appender(number, seed) for number in range(clients)]
        self._appends = appends
        self._rounds = 0

    @property
    def acknowledged(self) -> int:
        """As `Torture.acknowledged`."""
        return sum(len(appender.acknowledged) for appender in self._appenders)

    def begin(self) -> None:
        """As `Torture.begin`."""
        self._service.start()
        make_table(self._service)
        self._service.kill()

    def round(self) -> None:
        """Start the service, let the clients append, and kill it."""
        early = self._random.random() < EARLY_SHARE
        part = self._random.random()
        moment_s = self._random.uniform(0, MOMENT_S)
        self._service.start(wait=not early)
        stopped = threading.Event()
        workers = [
            threading.Thread(target=appender.run, args=(self._url, stopped.is_set))
            for appender in self._appenders
        ]
        for worker in workers:
            worker.start()
        if early:
            time.sleep(part * self._service.started_in_s)
        else:
            self._wait_for(self.acknowledged + round(part * self._appends))
            time.sleep(moment_s)
        # What is asked of it now meets a process that is being killed.
        self._service.kill()
        stopped.set()
        for worker in workers:
            worker.join()
        self._rounds += 1

    def finish(self) -> Outcome:
        """As `Torture.finish`."""
        self._service.start()
        for appender in self._appenders:
            appender.finish(self._url)
        stored = stored_in(self._service)
        assert self._service.stop() == 0, self._service.output
        reclaimed = checked(self._service, "--delete-orphans")
        after = checked(self._service)
        return Outcome.of(self._rounds, self._appenders, stored, reclaimed, after)

    def close(self) -> None:
        """As `Torture.close`."""
        if self._service.is_running:
            self._service.kill()

    def _url(self) -> str:
        return self._service.url

    def _wait_for(self, acknowledged: int) -> None:
        ends_at = time.monotonic() + LONGEST_S
        while self.acknowledged < acknowledged and time.monotonic() < ends_at:
            time.sleep(0.001)
