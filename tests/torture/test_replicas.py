"""The short run on MinIO and PostgreSQL; `make torture ARGS=--replicas` makes the long one."""

import random
from pathlib import Path

import pytest

from tests.e2e.served import Stack
from tests.servers.endpoints import PostgresEndpoint, S3Endpoint
from tests.servers.s3 import Buckets
from tests.torture.replicas import Replicas
from tests.torture.rounds import Length, run

ROUNDS = 4
AT_MOST_S = 15
"""A machine that is busy makes fewer rounds in that time."""


@pytest.mark.servers
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_services_on_one_lake_do_each_write_once(
    minio_server: S3Endpoint,
    minio_buckets: Buckets,
    postgres_database: PostgresEndpoint,
    tmp_path: Path,
) -> None:
    stack = Stack(minio_server, postgres_database, minio_buckets.name())
    seed = random.SystemRandom().randrange(2**32)
    replicas = Replicas(tmp_path, stack.settings(), seed, pairs=3, appends=20)
    outcome = run(replicas, Length(ROUNDS, at_most_s=AT_MOST_S))
    assert not outcome.problems(), f"seed {seed}: {outcome}"
    assert outcome.rounds > 0
    assert outcome.replayed > 0
