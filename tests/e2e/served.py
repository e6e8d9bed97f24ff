"""What a service on MinIO and PostgreSQL is told, and the same lake for a plain DuckDB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from tests.extensions import extension_file
from tests.servers.endpoints import PostgresEndpoint, S3Endpoint


@dataclass(frozen=True, slots=True)
class Stack:
    """The servers of one lake, and the lake's own bucket there.

    Attributes:
        store: The object store.
        catalog: The database of the lake's catalog; None keeps that in a file.
        bucket: The name of the lake's bucket.
    """

    store: S3Endpoint
    catalog: PostgresEndpoint | None
    bucket: str

    def settings(self, **more: str) -> Mapping[str, str]:
        """The service's settings; `more` by their names without `DUCKLAKE_`, in small letters."""
        settings = {
            "storage": "minio",
            "minio_endpoint": self.store.address,
            "minio_access_key": self.store.access_key,
            "minio_secret_key": self.store.secret_key,
            "minio_secure": str(self.store.secure).lower(),
            "minio_region": self.store.region,
            "minio_lake_bucket": self.bucket,
            # Servers are fast; a machine that is busy with other tests may not be.
            "store_timeout_s": "30",
        }
        if self.catalog is not None:
            settings["catalog"] = self.catalog.url
        return {f"DUCKLAKE_{name.upper()}": value for name, value in (settings | more).items()}

    @contextmanager
    def plain_duckdb(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB that knows nothing of the service, with the lake attached as `lake`."""
        assert self.catalog is not None
        with duckdb.connect() as connection:
            for extension in ("httpfs", "postgres_scanner", "ducklake"):
                connection.load_extension(str(extension_file(extension)))
            connection.execute(
                f"""
                CREATE SECRET storage (
                    TYPE s3, KEY_ID '{self.store.access_key}', SECRET '{self.store.secret_key}',
                    ENDPOINT '{self.store.address}', USE_SSL {self.store.secure},
                    REGION '{self.store.region}', URL_STYLE 'path');
                CREATE SECRET catalog (
                    TYPE postgres, HOST '{self.catalog.host}', PORT {self.catalog.port},
                    DATABASE '{self.catalog.database}', USER '{self.catalog.user}',
                    PASSWORD '{self.catalog.password}');
                ATTACH 'ducklake:postgres:' AS lake (META_SECRET 'catalog');
                """
            )
            yield connection
