"""What is found behind the last round, and what of it must not be."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from tests.e2e.service import DUCKLAKE, ServiceProcess
from tests.torture.appender import TABLE, Answer, Appender


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
        contradicted: Keys under which two answers told of two writes.
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
    contradicted: tuple[str, ...]
    unexpected: tuple[str, ...]
    damaged: int
    orphans: int
    orphans_left: int

    @classmethod
    def of(
        cls,
        rounds: int,
        appenders: Sequence[Appender],
        stored: Counter[int],
        reclaimed: Mapping[str, int],
        after: Mapping[str, int],
    ) -> Self:
        """What it comes to.

        Args:
            rounds: How often the service was killed.
            appenders: The clients, all of whose appends are acknowledged.
            stored: How often each row is there.
            reclaimed: What the check said that deleted orphans.
            after: What the one behind it said.
        """
        batches = {each.key: each for one in appenders for each in one.acknowledged}
        sent = {row for batch in batches.values() for row in batch.ids}
        answers: dict[str, set[Answer]] = {}
        for one in appenders:
            for key, answer in one.answers.items():
                answers.setdefault(key, set()).add(answer)
        return cls(
            rounds=rounds,
            acknowledged=len(batches),
            rows=len(sent),
            retried=sum(one.retried for one in appenders),
            replayed=sum(one.replayed for one in appenders),
            lost=tuple(sorted(sent - stored.keys())),
            duplicated=tuple(sorted(row for row, times in stored.items() if times > 1)),
            foreign=tuple(sorted(stored.keys() - sent)),
            contradicted=tuple(key for key, told in answers.items() if len(told) > 1),
            unexpected=tuple(each for one in appenders for each in one.unexpected),
            damaged=after["damaged_count"],
            orphans=reclaimed["orphans_deleted"],
            orphans_left=after["orphan_files"],
        )

    def problems(self) -> list[str]:
        """What must not be, in sentences."""
        found = [
            (self.lost, f"{len(self.lost)} acknowledged rows were lost: {self.lost[:5]}"),
            (self.duplicated, f"{len(self.duplicated)} rows came twice: {self.duplicated[:5]}"),
            (self.foreign, f"{len(self.foreign)} rows came from nowhere: {self.foreign[:5]}"),
            (self.contradicted, f"keys that were answered in two ways: {self.contradicted[:3]}"),
            (self.unexpected, f"answers that nobody expected: {self.unexpected[:3]}"),
            (self.damaged, f"{self.damaged} files are damaged"),
            (self.orphans_left, f"{self.orphans_left} orphans were not reclaimed"),
        ]
        return [sentence for wrong, sentence in found if wrong]


def stored_in(service: ServiceProcess) -> Counter[int]:
    """How often each row is there."""
    with service.client(timeout_s=300) as client:
        answer = client.post(
            "/query?format=csv", json={"sql": f"SELECT id, count(*) FROM {TABLE} GROUP BY id"}
        )
        assert answer.is_success, answer.text
    rows = (line.split(",") for line in answer.text.splitlines()[1:])
    return Counter({int(row): int(times) for row, times in rows})


def checked(service: ServiceProcess, *options: str) -> dict[str, int]:
    """What `ducklake check` says of the lake of a service that has stopped."""
    done = subprocess.run(
        [DUCKLAKE, "check", "--format", "json", *options],
        env=service.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.stdout, done.stderr
    report: dict[str, int] = json.loads(done.stdout)
    return report


def make_table(service: ServiceProcess) -> None:
    """Make the table that the clients append to."""
    with service.client() as client:
        columns = [{"name": "id", "type": "BIGINT"}, {"name": "batch", "type": "VARCHAR"}]
        made = client.post("/tables", json={"name": TABLE, "columns": columns})
        assert made.status_code == 201, made.text
