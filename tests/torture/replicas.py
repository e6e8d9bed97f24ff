"""End one of two services on one lake, again and again, while both are sent the same keys.

The lake is on MinIO and PostgreSQL. Each batch goes to both services, under one key, from a
client of each that retries until that service acknowledges it. One of them, at random, is killed
(SIGKILL) or told to stop (SIGTERM), and started anew.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.e2e.service import ServiceProcess
from tests.torture.appender import Appender
from tests.torture.outcome import Outcome, checked, make_table, stored_in
from tests.torture.rounds import Torture

SERVICES = 2
KILLED_SHARE = 0.6
"""How many of the ends are kills; the others let it end what it is at."""
LONGEST_S = 120.0
MOMENT_S = 0.1
"""An end comes so long behind an acknowledgement at the most."""


class Replicas(Torture):
    """One run.

    Args:
        homes: Where the homes of the services are made.
        settings: What tells them of their lake.
        seed: From which batches, and the ends, are drawn.
        pairs: How many pairs of clients send the same.
        appends: How many batches may be sent in a round until the end, at most.
    """

    def __init__(
        self, homes: Path, settings: Mapping[str, str], seed: int, pairs: int = 4, appends: int = 60
    ) -> None:
        self._services = [
            ServiceProcess(homes / str(number), settings) for number in range(SERVICES)
        ]
        self._random = random.Random(seed)
        # Two clients of one number send the same batches.
        self._appenders = [[Appender(pair, seed) for pair in range(pairs)] for _ in self._services]
        self._appends = appends
        self._rounds = 0
        self._stopped = threading.Event()
        self._clients: list[threading.Thread] = []

    @property
    def acknowledged(self) -> int:
        """How many batches are, of those of the service that has fewer."""
        return min(self._count(number) for number in range(SERVICES))

    def begin(self) -> None:
        """As `Torture.begin`; the clients go on until the end."""
        for service in self._services:
            service.start()
        make_table(self._services[0])
        for service, appenders in zip(self._services, self._appenders, strict=True):
            for appender in appenders:
                client = threading.Thread(
                    target=appender.run, args=(_url_of(service), self._stopped.is_set)
                )
                client.start()
                self._clients.append(client)

    def round(self) -> None:
        """End one service, and start it anew."""
        victim = self._random.randrange(SERVICES)
        killed = self._random.random() < KILLED_SHARE
        part = self._random.random()
        moment_s = self._random.uniform(0, MOMENT_S)
        self._wait_for(victim, round(part * self._appends))
        time.sleep(moment_s)
        service = self._services[victim]
        if killed:
            service.kill()
        else:
            assert service.stop() == 0, service.output[-3000:]
        service.start()
        self._rounds += 1

    def finish(self) -> Outcome:
        """As `Torture.finish`, by both services."""
        self._stopped.set()
        for client in self._clients:
            client.join()
        for service, appenders in zip(self._services, self._appenders, strict=True):
            for appender in appenders:
                appender.finish(_url_of(service))
        stored = stored_in(self._services[0])
        for service in self._services:
            assert service.stop() == 0, service.output[-3000:]
        # Nobody writes any more, so no file is too young.
        now = ("--older-than", "0")
        reclaimed = checked(self._services[0], "--delete-orphans", *now)
        after = checked(self._services[0], *now)
        appenders = [appender for several in self._appenders for appender in several]
        return Outcome.of(self._rounds, appenders, stored, reclaimed, after)

    def close(self) -> None:
        """As `Torture.close`."""
        self._stopped.set()
        for service in self._services:
            if service.is_running:
                service.kill()
        for client in self._clients:
            client.join()

    def _count(self, number: int) -> int:
        return sum(len(appender.acknowledged) for appender in self._appenders[number])

    def _wait_for(self, number: int, count: int) -> None:
        """Wait until a service has acknowledged so many more; one at least, so that it works."""
        enough = self._count(number) + max(1, count)
        ends_at = time.monotonic() + LONGEST_S
        while self._count(number) < enough and time.monotonic() < ends_at:
            time.sleep(0.001)


def _url_of(service: ServiceProcess) -> Callable[[], str]:
    return lambda: service.url
