"""Fixtures of the end-to-end tests."""

from __future__ import annotations

import pytest

from tests.e2e.served import Stack
from tests.servers.endpoints import PostgresEndpoint, S3Endpoint
from tests.servers.s3 import Buckets


@pytest.fixture
def stack(
    minio_server: S3Endpoint, minio_buckets: Buckets, postgres_database: PostgresEndpoint
) -> Stack:
    """MinIO and PostgreSQL with room for a lake that is not there yet."""
    return Stack(minio_server, postgres_database, minio_buckets.name())
