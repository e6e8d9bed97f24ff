"""Opening the DuckDB instance: extensions, secrets, the lake, and the walls around it."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from adapters.ducklake.config import FileCatalog, LakeConfig, LocalStorage, S3Storage
from adapters.ducklake.durability.durability import make_directory
from adapters.ducklake.engine.extensions import load_extension
from adapters.ducklake.engine.progress import PROGRESS_SETTINGS
from adapters.ducklake.engine.sql import LAKE, STAGING, literal
from adapters.ducklake.gate.guards import create_guards

_CATALOG_SECRET = "catalog_secret"  # noqa: S105 - the name of a secret, not one
_STORAGE_SECRET = "storage_secret"  # noqa: S105 - the name of a secret, not one

EVERY_BUCKET = "s3://"

_STILL_SET = (
    # DuckDB sets it by itself while it makes a table of a PIVOT, within a transaction.
    "current_transaction_invalidation_policy",
    "ducklake_default_data_inlining_row_limit",
    *PROGRESS_SETTINGS,
)
"""Settings that are changed behind the walls; no statement that passes the gate sets any."""


def connect(config: LakeConfig) -> duckdb.DuckDBPyConnection:
    """An instance with the lake attached; the lake is made when it is not there.

    Raises:
        duckdb.Error: When the catalog or the storage does not let it.
        ConfigurationError: When an extension cannot be loaded.
    """
    _make_directories(config)
    connection = duckdb.connect(config=_settings(config))
    try:
        connection.execute("SET GLOBAL errors_as_json=true")
        load_extension(connection, "ducklake")
        connection.execute(
            f"SET GLOBAL ducklake_default_data_inlining_row_limit = {config.inline_rows}"
        )
        if not isinstance(config.catalog, FileCatalog):
            load_extension(connection, "postgres_scanner")
        if isinstance(config.storage, S3Storage):
            load_extension(connection, "httpfs")
            _reach_storage(connection, config.storage, config.readable)
        # Footers are read once; a file that was replaced is noticed. A millisecond of each query.
        connection.execute("SET GLOBAL parquet_metadata_cache=true")
        create_guards(connection)
        connection.execute(f"CREATE SCHEMA {STAGING}")
        _attach(connection, config)
        _put_up_walls(connection, config)
    except BaseException:
        connection.close()
        raise
    return connection


def _make_directories(config: LakeConfig) -> None:
    config.temp_directory.mkdir(parents=True, exist_ok=True)
    if isinstance(config.catalog, FileCatalog):
        make_directory(config.catalog.path.parent)
    if isinstance(config.storage, LocalStorage):
        make_directory(config.storage.path)


def _settings(config: LakeConfig) -> dict[str, str | bool | int | float | list[str]]:
    settings: dict[str, str | bool | int | float | list[str]] = {
        # Cannot be changed once there is a secret, so it comes first.
        "allow_persistent_secrets": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "temp_directory": str(config.temp_directory.absolute()),
    }
    if isinstance(config.catalog, FileCatalog):
        # No second engine of this process could open the file: see `Lake.commit`.
        settings["disable_database_invalidation"] = True
    if config.spill_limit is not None:
        settings["max_temp_directory_size"] = config.spill_limit
    if config.memory_limit is not None:
        settings["memory_limit"] = config.memory_limit
    if config.threads is not None:
        settings["threads"] = str(config.threads)
    return settings


def _reach_storage(
    connection: duckdb.DuckDBPyConnection, storage: S3Storage, readable: Sequence[str]
) -> None:
    scope = EVERY_BUCKET if EVERY_BUCKET in readable else f"s3://{storage.bucket}/"
    connection.execute(
        f"CREATE SECRET {_STORAGE_SECRET} (TYPE s3, KEY_ID {literal(storage.access_key)}, "
        f"SECRET {literal(storage.secret_key)}, ENDPOINT {literal(storage.endpoint)}, "
        f"REGION {literal(storage.region)}, USE_SSL {storage.secure}, URL_STYLE 'path', "
        f"SCOPE {literal(scope)})"
    )
    for setting in (
        # The other client, on curl, lets a PUT hang for four times its timeout.
        "httpfs_client_implementation='httplib'",
        # A file whose writing failed is written once more as it is closed, so that is two of them.
        f"http_timeout={max(1, storage.timeout_s // 2)}",
        "http_retries=0",
        # Without it a URL may name another host: s3://bucket/key?s3_endpoint=...
        "s3_url_compatibility_mode=true",
    ):
        # Only a global setting is seen by the cursors.
        connection.execute(f"SET GLOBAL {setting}")


def _attach(connection: duckdb.DuckDBPyConnection, config: LakeConfig) -> None:
    catalog = config.catalog
    # A lake that was moved or restored elsewhere is the same lake: its files go by relative paths.
    options = f"DATA_PATH {literal(config.data_path)}, OVERRIDE_DATA_PATH true"
    if isinstance(catalog, FileCatalog):
        source = f"ducklake:{catalog.path.absolute()}"
    else:
        members = [("HOST", catalog.host), ("DATABASE", catalog.database)]
        members += [("USER", catalog.user), ("PASSWORD", catalog.password)]
        if catalog.port is not None:
            members.append(("PORT", str(catalog.port)))
        said = ", ".join(f"{name} {literal(value)}" for name, value in members if value)
        connection.execute(f"CREATE SECRET {_CATALOG_SECRET} (TYPE postgres, {said})")
        # By the secret alone, so that duckdb_databases() has nothing to tell.
        source = "ducklake:postgres:"
        options += f", META_SECRET {literal(_CATALOG_SECRET)}"
    connection.execute(f"ATTACH {literal(source)} AS {LAKE} ({options})")


def _put_up_walls(connection: duckdb.DuckDBPyConnection, config: LakeConfig) -> None:
    """The second wall behind the gate: none of it can be taken down at run time."""
    allowed = [config.data_path, *config.readable]
    if config.readable:
        allowed.append(f"{config.copies}/")
    for setting in (
        "TimeZone='UTC'",
        "python_enable_replacements=false",
        f"allowed_configs=[{', '.join(map(literal, _STILL_SET))}]",
        f"allowed_directories=[{', '.join(literal(path) for path in allowed)}]",
        "enable_external_access=false",
        "lock_configuration=true",
    ):
        connection.execute(f"SET GLOBAL {setting}")
