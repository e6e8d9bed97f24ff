"""Settings: what the environment says of the service (`DUCKLAKE_*`)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

import platformdirs
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.datasets import BucketName
from domain.errors import ConfigurationError, InvalidBucketNameError
from domain.json_depth import MAX_JSON_DEPTH
from domain.tables import MAX_COLUMNS

PREFIX = "DUCKLAKE_"
_TEST_PREFIX = "DUCKLAKE_TEST_"
MIB = 1024**2
GIB = 1024**3


class LogLevel(StrEnum):
    """From which level on log lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How log lines are written."""

    TEXT = "text"
    JSON = "json"


class Storage(StrEnum):
    """Where the lake's files and the datasets are kept."""

    FILE = "file"
    MINIO = "minio"


class Durability(StrEnum):
    """What is on the disk before a write is answered, where the lake's files are local."""

    FULL = "full"
    COMMIT = "commit"


def _lowered(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _absolute(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:
        raise ValueError("the user's home directory is not known") from error


def _bucket_name(name: str) -> str:
    try:
        return str(BucketName(name))
    except InvalidBucketNameError as error:
        raise ValueError(error.detail) from error


def _default_home() -> Path:
    return platformdirs.user_data_path("ducklake", appauthor=False)


class Settings(BaseSettings):
    """All settings. Each is read from `DUCKLAKE_` and its name in capitals.

    Attributes:
        home: The directory of the embedded lake and all else that the service keeps.
        host: The address on which the API is served.
        port: Its port; 0 takes a free one.
        log_level: From which level on log lines are written.
        log_format: How they are written.
        storage: Where the lake's files and the datasets are kept: under `home`, or in an
            S3-compatible store.
        minio_endpoint: The store's `host:port`.
        minio_access_key: The store's access key.
        minio_secret_key: Its secret.
        minio_secure: Whether the store speaks TLS.
        minio_region: The region that requests to the store are signed for.
        minio_lake_bucket: The bucket of the lake's own files; it is made when it is not there.
        catalog: A PostgreSQL URL for the lake's catalog, with which several replicas share one
            lake; nothing keeps the catalog in a file under `home`, for one process.
        durability: What is on the disk before a write is answered, where the lake's files are
            local: `full` is all of it, `commit` the catalog alone, so that losing power may
            cost data that was acknowledged.
        store_timeout_s: How long the store and the catalog may take to answer, in seconds.
        memory_limit: The engine's memory ("4GB"); nothing leaves it to the engine.
        process_memory: The memory of the whole process, in bytes (on Linux): what needs more fails,
            before the system ends the process; nothing is nine tenths of what the machine or
            the container has.
        threads: The engine's threads; nothing is one a core.
        spill_directory: Where queries that outgrow the memory spill to; nothing is a directory
            under `home`.
        spill_limit: How much they may spill in all ("20GB"); nothing leaves it to the engine.
        result_cache: How much memory results may take that are kept to answer the same question
            again while the lake has not changed, in bytes; one takes a quarter at most. 0 keeps
            none.
        query_workers: How many queries run at the same time.
        query_queue: How many more may wait for that; what comes then is answered 429.
        query_timeout_s: How long the engine may work for a query that says no `timeout_s` of its
            own, in seconds.
        query_max_timeout_s: The greatest `timeout_s` that a query may ask for, in seconds.
        statement_workers: How many asynchronous statements (`Prefer: respond-async`) run at the
            same time, beside the queries.
        statement_queue: How many more may wait for that; what comes then is answered 429.
        statement_timeout_s: How long the engine may work for a statement that says no `timeout_s`
            of its own, and for a load, an export or a table made from data, in seconds.
        statement_max_timeout_s: The greatest `timeout_s` that a statement may ask for, in seconds.
        statement_max_result: The greatest result of a statement as it is kept, in bytes.
        statement_keep_s: For how long a statement and its result are kept when it has ended, in
            seconds.
        statement_lease_s: After how many seconds without a sign of life of its replica a statement
            has failed.
        inline_rows: Appends of at most so many rows stay in the catalog at first, instead of
            making a file each; 0 for none.
        compact_after: Once appends have left so many small files (below 1 MiB) of a table, they
            are merged in the background; 0 for never. Set it only when no other client of the
            lake deletes or updates rows, which a merge at the same moment would undo.
        max_table_body: The greatest body of an append as it comes, in bytes.
        max_expanded_body: The greatest body of an append once it is unpacked, and all of its
            rows in memory's form, in bytes.
        max_nesting: How deep JSON values in rows may be nested.
        max_columns: The most columns that a body of an append, or the table that it makes
            grow, may have.
        idempotency_keep_hours: How long a write under an idempotency key is known, in hours: sent
            again within them, it is answered and not done again.
        max_object_size: The greatest object, in bytes.
        compress_answers: Whether results in JSON, NDJSON and CSV are packed (zstd, gzip) for
            clients that say they take them so; turn it off where a proxy does it.
        client_timeout_s: How long a client may neither send nor take a byte, in seconds.
        shutdown_grace_s: How long work in flight may go on after a stop was asked for.
        ready_timeout_s: How long a part may take to say whether it works.
        lineage_namespace: The namespace of the lake's tables in lineage; nothing makes it of the
            catalog: `ducklake://embedded`, or `ducklake://host:port/database`.
        lineage_flush_s: How long lineage events may take to get out at the end.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, env_ignore_empty=True
    )

    home: Annotated[Path, AfterValidator(_absolute)] = Field(default_factory=_default_home)
    host: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    log_level: Annotated[LogLevel, BeforeValidator(_lowered)] = LogLevel.INFO
    log_format: Annotated[LogFormat, BeforeValidator(_lowered)] = LogFormat.TEXT

    storage: Annotated[Storage, BeforeValidator(_lowered)] = Storage.FILE

    minio_endpoint: Annotated[str, StringConstraints(pattern=r"^[^\s/@]+$")] | None = None
    minio_access_key: SecretStr | None = None
    minio_secret_key: SecretStr | None = None
    minio_secure: bool = True
    minio_region: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$")] = "us-east-1"
    minio_lake_bucket: Annotated[str, AfterValidator(_bucket_name)] = "lake"
    catalog: SecretStr | None = None
    durability: Annotated[Durability, BeforeValidator(_lowered)] = Durability.FULL
    store_timeout_s: int = Field(default=10, ge=1, le=600)

    memory_limit: (
        Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)? ?([KMGT]i?)?B$")] | None
    ) = None
    process_memory: int | None = Field(default=None, ge=GIB)
    threads: int | None = Field(default=None, ge=1, le=1024)
    spill_directory: Annotated[Path, AfterValidator(_absolute)] | None = None
    spill_limit: (
        Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)? ?([KMGT]i?)?B$")] | None
    ) = None
    result_cache: int = Field(default=64 * MIB, ge=0)
    query_workers: int = Field(default=8, ge=1, le=256)
    query_queue: int = Field(default=256, ge=0, le=65_536)
    query_timeout_s: float = Field(default=300, gt=0, le=86_400, allow_inf_nan=False)
    query_max_timeout_s: float = Field(default=3_600, gt=0, le=86_400, allow_inf_nan=False)

    statement_workers: int = Field(default=2, ge=1, le=256)
    statement_queue: int = Field(default=64, ge=0, le=4_096)
    statement_timeout_s: float = Field(default=3_600, gt=0, le=604_800, allow_inf_nan=False)
    statement_max_timeout_s: float = Field(default=86_400, gt=0, le=604_800, allow_inf_nan=False)
    statement_max_result: int = Field(default=10 * GIB, ge=1)
    statement_keep_s: int = Field(default=86_400, ge=1, le=31_536_000)
    statement_lease_s: float = Field(default=30, ge=1, le=3_600, allow_inf_nan=False)

    inline_rows: int = Field(default=100, ge=0, le=100_000)
    compact_after: int = Field(default=0, ge=0, le=100_000)
    idempotency_keep_hours: int = Field(default=24, ge=1, le=8_760)
    max_table_body: int = Field(default=64 * GIB, ge=1)
    max_expanded_body: int = Field(default=16 * GIB, ge=1)
    max_nesting: int = Field(default=MAX_JSON_DEPTH, ge=1, le=MAX_JSON_DEPTH)
    max_columns: int = Field(default=MAX_COLUMNS, ge=1, le=MAX_COLUMNS)
    max_object_size: int = Field(default=5 * 1024 * GIB, ge=1)
    compress_answers: bool = True
    client_timeout_s: float = Field(default=300, gt=0, le=86_400, allow_inf_nan=False)
    shutdown_grace_s: float = Field(default=30, ge=0, le=3_600, allow_inf_nan=False)
    ready_timeout_s: float = Field(default=2, gt=0, le=60, allow_inf_nan=False)
    lineage_namespace: str | None = None
    lineage_flush_s: float = Field(default=5, ge=0, le=600, allow_inf_nan=False)

    @model_validator(mode="after")
    def _has_a_timeout_within_the_greatest(self) -> Self:
        if self.query_timeout_s > self.query_max_timeout_s:
            raise ValueError(f"{PREFIX}QUERY_TIMEOUT_S: it is more than QUERY_MAX_TIMEOUT_S")
        if self.statement_timeout_s > self.statement_max_timeout_s:
            raise ValueError(
                f"{PREFIX}STATEMENT_TIMEOUT_S: it is more than STATEMENT_MAX_TIMEOUT_S"
            )
        return self

    @model_validator(mode="after")
    def _has_a_store(self) -> Self:
        if self.storage is Storage.MINIO:
            for name in ("minio_endpoint", "minio_access_key", "minio_secret_key"):
                if getattr(self, name) is None:
                    raise ValueError(f"{PREFIX}{name.upper()}: it is needed with storage in MinIO")
        return self


def load_settings(environment: Mapping[str, str] | None = None, /, **overrides: object) -> Settings:
    """Read the settings from the environment; `overrides` (of the command line) come first.

    Args:
        environment: The variables to look through for unknown names; None is the process's.
        overrides: Settings by name; those that are None are left to the environment.

    Raises:
        ConfigurationError: When a setting is wrong or unknown: one sentence that names it.
    """
    _refuse_unknown(os.environ if environment is None else environment)
    given: dict[str, Any] = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        # What was given is not repeated: it may be a secret in the wrong place.
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        reason = first["msg"].removeprefix("Value error, ").rstrip(".")
        if not first["loc"]:
            # It is about several settings, and names one itself.
            raise ConfigurationError(f"{reason}.") from None
        name = str(first["loc"][0]).upper()
        sentence = f"{reason[:1].lower()}{reason[1:]}"
        raise ConfigurationError(f"{PREFIX}{name}: {sentence}.") from None


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for name in sorted(environment):
        upper = name.upper()
        if upper.startswith(PREFIX) and upper not in known and not upper.startswith(_TEST_PREFIX):
            raise ConfigurationError(f"{name}: there is no setting of this name.")
