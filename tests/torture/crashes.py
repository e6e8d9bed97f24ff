"""Kill the service at random moments under clients that retry, and count what is left.

The service is killed with SIGKILL: what it had not handed to the system is lost. Whatever was
acknowledged must be there, once, and the lake must open each time.
"""

from __future__ import annotations

import json
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.service import DUCKLAKE, ServiceProcess, clean_environment
from tests.torture.appender import TABLE, Appender

EARLY_SHARE = 0.2
"""How many of the kills come while the service starts."""
LONGEST_S = 120.0
"""A round ends then at the latest, however few appends it had."""
MOMENT_S = 0.03
"""A kill comes so long behind an acknowledgement at the most: several commits, on any machine."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found behind the last round.

    Attributes:
        rounds: How often the service was killed.
        acknowledged: How many appends were acknowledged.
        rows: How many rows these had.
        retried: How many requests had to be sent again.
        replayed: How many of these had been committed, unseen, the first time.
        lost: Ids of rows that were acknowledged and are not there.
        duplicated: Ids of rows that are there more than once.
        foreign: Ids of rows that nobody has sent.
        unexpected: Answers that no client should get.
        damaged: Files that the catalog names and that cannot be read.
        orphans: Files that were left behind, and reclaimed.
        orphans_left: Files that are left behind still.
    """

    rounds: int
    acknowledged: int
    rows: int
    retried: int
    replayed: int
    lost: tuple[int, ...]
    duplicated: tuple[int, ...]
    foreign: tuple[int, ...]
    unexpected: tuple[str, ...]
    damaged: int
    orphans: int
    orphans_left: int

    def problems(self) -> list[str]:
        """What must not be, in sentences."""
        found = [
            (self.lost, f"{len(self.lost)} acknowledged rows were lost: {self.lost[:5]}"),
            (self.duplicated, f"{len(self.duplicated)} rows came twice: {self.duplicated[:5]}"),
            (self.foreign, f"{len(self.foreign)} rows came from nowhere: {self.foreign[:5]}"),
            (self.unexpected, f"answers that nobody expected: {self.unexpected[:3]}"),
            (self.damaged, f"{self.damaged} files are damaged"),
            (self.orphans_left, f"{self.orphans_left} orphans were not reclaimed"),
        ]
        return [sentence for wrong, sentence in found if wrong]


class Crashes:
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
        """How many appends were acknowledged so far."""
        return sum(len(appender.acknowledged) for appender in self._appenders)

    def prepare(self) -> None:
        """Make the table."""
        self._service.start()
        with self._service.client() as client:
            columns = [{"name": "id", "type": "BIGINT"}, {"name": "batch", "type": "VARCHAR"}]
            made = client.post("/tables", json={"name": TABLE, "columns": columns})
            assert made.status_code == 201, made.text
        self._service.kill()

    def round(self) -> None:
        """Start the service, let the clients append, and kill it."""
        early = self._random.random() < EARLY_SHARE
        part = self._random.random()
        moment_s = self._random.uniform(0, MOMENT_S)
        self._service.start(wait=not early)
        stopped = threading.Event()
        workers = [
            threading.Thread(target=appender.run, args=(self._service.url, stopped.is_set))
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
        """Have everything acknowledged, stop, look, and clean up."""
        self._service.start()
        for appender in self._appenders:
            appender.finish(self._service.url)
        stored = self._stored()
        assert self._service.stop() == 0, self._service.output
        reclaimed = self._check("--delete-orphans")
        after = self._check()
        batches = [batch for appender in self._appenders for batch in appender.acknowledged]
        sent = {row for batch in batches for row in batch.ids}
        return Outcome(
            rounds=self._rounds,
            acknowledged=len(batches),
            rows=len(sent),
            retried=sum(appender.retried for appender in self._appenders),
            replayed=sum(appender.replayed for appender in self._appenders),
            lost=tuple(sorted(sent - stored.keys())),
            duplicated=tuple(sorted(row for row, times in stored.items() if times > 1)),
            foreign=tuple(sorted(stored.keys() - sent)),
            unexpected=tuple(each for one in self._appenders for each in one.unexpected),
            damaged=after["damaged_count"],
            orphans=reclaimed["orphans_deleted"],
            orphans_left=after["orphan_files"],
        )

    def close(self) -> None:
        """Leave no process behind."""
        if self._service.process.poll() is None:
            self._service.kill()

    def _wait_for(self, acknowledged: int) -> None:
        ends_at = time.monotonic() + LONGEST_S
        while self.acknowledged < acknowledged and time.monotonic() < ends_at:
            time.sleep(0.001)

    def _stored(self) -> Counter[int]:
        with self._service.client(timeout_s=300) as client:
            answer = client.post(
                "/query?format=csv", json={"sql": f"SELECT id, count(*) FROM {TABLE} GROUP BY id"}
            )
            assert answer.is_success, answer.text
        rows = (line.split(",") for line in answer.text.splitlines()[1:])
        return Counter({int(row): int(times) for row, times in rows})

    def _check(self, *options: str) -> dict[str, int]:
        done = subprocess.run(
            [DUCKLAKE, "check", "--format", "json", *options],
            env=clean_environment() | {"DUCKLAKE_HOME": str(self._service.home)},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.stdout, done.stderr
        report: dict[str, int] = json.loads(done.stdout)
        return report


def run(
    home: Path,
    seed: int,
    *,
    rounds: int,
    appends: int,
    appends_a_round: int = 120,
    tell: Callable[[int, int], None] = lambda _rounds, _acknowledged: None,
) -> Outcome:
    """Kill it `rounds` times, and on until so many appends were acknowledged.

    Args:
        home: As `Crashes`.
        seed: As `Crashes`.
        rounds: How often at least.
        appends: How many acknowledged appends at least.
        appends_a_round: How many a round may have, at most.
        tell: Called behind each round with how many there were, and acknowledged appends.
    """
    crashes = Crashes(home, seed, appends=appends_a_round)
    try:
        crashes.prepare()
        done = 0
        while done < rounds or crashes.acknowledged < appends:
            crashes.round()
            done += 1
            tell(done, crashes.acknowledged)
        return crashes.finish()
    finally:
        crashes.close()
