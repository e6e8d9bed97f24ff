"""The lake's credentials: used by the engine, and shown nowhere."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.ducklake import DuckLakeTables, Lake, LakeConfig, PostgresCatalog, S3Storage
from domain.errors import UnavailableError
from domain.tables import TableName
from tests.contract.table_cases import append, create, some_rows
from tests.servers.endpoints import PostgresEndpoint, S3Endpoint

pytestmark = pytest.mark.servers

TABLE = TableName("main", "t")
WRONG = secrets.token_hex(12)


@pytest.fixture
def config(
    minio_server: S3Endpoint, minio_bucket: str, postgres_database: PostgresEndpoint, tmp_path: Path
) -> LakeConfig:
    storage = S3Storage(
        minio_server.address,
        minio_bucket,
        minio_server.access_key,
        minio_server.secret_key,
        secure=minio_server.secure,
        region=minio_server.region,
        timeout_s=2,
    )
    return LakeConfig(PostgresCatalog.parse(postgres_database.url), storage, tmp_path / "temp")


@contextmanager
def opened(config: LakeConfig) -> Iterator[Lake]:
    with closing(Lake(config)) as lake:
        yield lake


def shown(error: BaseException | None) -> str:
    """What an error and all that it came from say."""
    texts = []
    while error is not None:
        texts += [str(error), repr(error)]
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


@pytest.mark.parametrize(
    "sql",
    [
        "FROM duckdb_databases()",
        "FROM duckdb_secrets()",
        "FROM duckdb_settings()",
        "FROM duckdb_logs",
        "FROM lake.options()",
        "FROM lake.settings()",
        "FROM __ducklake_metadata_lake.ducklake_metadata",
        "SHOW ALL TABLES",
        "SHOW DATABASES",
        "PRAGMA database_list",
    ],
)
def test_no_sql_shows_them_even_behind_the_gate(config: LakeConfig, sql: str) -> None:
    assert isinstance(config.storage, S3Storage)
    assert isinstance(config.catalog, PostgresCatalog)
    with opened(config) as lake, lake.cursor() as cursor:
        said = str(cursor.execute(sql).fetchall())

    assert config.catalog.password not in said
    assert config.storage.secret_key not in said


def test_a_configuration_does_not_show_them(config: LakeConfig) -> None:
    assert isinstance(config.storage, S3Storage)
    assert isinstance(config.catalog, PostgresCatalog)
    assert config.catalog.password not in repr(config)
    assert config.storage.secret_key not in repr(config)


def with_catalog(**changes: object) -> Callable[[LakeConfig], LakeConfig]:
    def changed(config: LakeConfig) -> LakeConfig:
        assert isinstance(config.catalog, PostgresCatalog)
        return replace(config, catalog=replace(config.catalog, **changes))  # type: ignore[arg-type]

    return changed


def with_storage(**changes: object) -> Callable[[LakeConfig], LakeConfig]:
    def changed(config: LakeConfig) -> LakeConfig:
        assert isinstance(config.storage, S3Storage)
        return replace(config, storage=replace(config.storage, **changes))  # type: ignore[arg-type]

    return changed


@pytest.mark.parametrize(
    "change, sentence",
    [
        (with_catalog(password=WRONG), "does not accept the user and password in DUCKLAKE_CATALOG"),
        (with_catalog(user="nobody"), "does not accept the user and password in DUCKLAKE_CATALOG"),
        (with_catalog(database="none"), "no database of the name in DUCKLAKE_CATALOG"),
        (with_catalog(host="no-such-host.invalid"), "host in DUCKLAKE_CATALOG is not known"),
        (with_catalog(port=1), "can be reached where DUCKLAKE_CATALOG says"),
        (with_storage(secret_key=WRONG), "refuses the configured credentials"),
        (with_storage(access_key=WRONG), "refuses the configured credentials"),
        (with_storage(endpoint="127.0.0.1:1"), "storage cannot be reached"),
        (with_storage(bucket="no-such-bucket"), "DUCKLAKE_MINIO_LAKE_BUCKET"),
    ],
)
def test_an_error_names_the_setting_and_shows_no_secret(
    config: LakeConfig,
    change: Callable[[LakeConfig], LakeConfig],
    sentence: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    changed = change(config)
    caplog.set_level(logging.DEBUG)
    assert isinstance(config.storage, S3Storage)
    assert isinstance(config.catalog, PostgresCatalog)

    def use(lake: Lake) -> None:
        tables = DuckLakeTables(lake)
        create(tables, TABLE)
        # More rows than are inlined, so that they are written to the store.
        append(tables, TABLE, some_rows(200))

    with opened(changed) as lake, pytest.raises(UnavailableError) as raised:
        use(lake)

    assert sentence in raised.value.detail
    for secret in (WRONG, config.catalog.password, config.storage.secret_key):
        assert secret not in raised.value.detail
        assert secret not in caplog.text
    for secret in (config.catalog.password, config.storage.secret_key):
        assert secret not in shown(raised.value)
