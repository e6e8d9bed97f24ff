"""Where a lake lies, and what the engine may use."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from domain.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class FileCatalog:
    """A catalog in a DuckDB file: for one process at a time."""

    path: Path

    @property
    def authority(self) -> str:
        """What tells this catalog from others, in the name of a lake."""
        return "embedded"


@dataclass(frozen=True, slots=True)
class PostgresCatalog:
    """A catalog in PostgreSQL: for many processes.

    Attributes:
        host: A host name, or the directory of a unix socket; empty for libpq's default.
        port: The port; None for libpq's default.
        database: The database.
        user: The user; empty for libpq's default.
        password: The password; empty for none, or for libpq's own ways to one.
    """

    host: str
    port: int | None
    database: str
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def authority(self) -> str:
        """What tells this catalog from others, in the name of a lake."""
        # A unix socket's directory is a path of this machine.
        host = "localhost" if not self.host or self.host.startswith("/") else self.host
        return f"{host}:{self.port or 5432}/{self.database}"

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read a connection URI (PostgreSQL, "Connection URIs"), a unix socket's included.

        Raises:
            ConfigurationError: When it is none, or has a parameter that is not known here.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
            parameters = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        except ValueError as error:
            raise ConfigurationError("DUCKLAKE_CATALOG: it is not a PostgreSQL URL.") from error
        if parts.scheme not in {"postgresql", "postgres"}:
            raise ConfigurationError("DUCKLAKE_CATALOG: it does not begin with postgresql://.")
        host = parameters.pop("host", unquote(parts.hostname or ""))
        if "port" in parameters and parameters["port"].isdigit():
            port = int(parameters.pop("port"))
        user = parameters.pop("user", unquote(parts.username or ""))
        password = parameters.pop("password", unquote(parts.password or ""))
        database = parameters.pop("dbname", unquote(parts.path.removeprefix("/")))
        if parameters:
            raise ConfigurationError(
                f"DUCKLAKE_CATALOG: the parameter {min(parameters)!r} is not known; set it by "
                "libpq's environment variables (PGSSLMODE, PGCONNECT_TIMEOUT, ...)."
            )
        if not database:
            raise ConfigurationError("DUCKLAKE_CATALOG: it names no database.")
        return cls(host, port, database, user, password)


@dataclass(frozen=True, slots=True)
class LocalStorage:
    """Data files in a local directory."""

    path: Path


@dataclass(frozen=True, slots=True)
class S3Storage:
    """Data files in a bucket of an S3-compatible store.

    Attributes:
        endpoint: `host:port`.
        bucket: The lake's own bucket.
        prefix: Where in the bucket; it ends with `/`.
        timeout_s: How long a read or write may wait for a store that does not answer, in
            whole seconds; at least 2 can be kept.
    """

    endpoint: str
    bucket: str
    access_key: str
    secret_key: str = field(repr=False)
    secure: bool = True
    region: str = "us-east-1"
    prefix: str = "data/"
    timeout_s: int = 10


DEFAULT_INLINE_ROWS = 100


@dataclass(frozen=True, slots=True)
class LakeConfig:
    """Where a lake lies, and what the engine may use.

    Attributes:
        catalog: What holds the catalog.
        storage: What holds the Parquet files.
        temp_directory: Where queries that outgrow memory spill to.
        spill_limit: How much they may spill in all ("20GB"); None for the engine's default.
        memory_limit: The engine's memory, as DuckDB reads it ("4GB"); None for its default.
        process_memory: What the whole process may have, in bytes: a query that makes it grow is
            stopped before that. None when nobody bounds it.
        threads: The engine's threads; None for one a core.
        catalog_timeout_s: How long a catalog in PostgreSQL may take to answer.
        inline_rows: Inserts of at most so many rows stay in the catalog at first, instead of
            making a file of their own; 0 for none. An option of the lake, or of a table, that
            somebody has set goes before it.
        compact_after: Of how many small files of a table a merge is worth it, which then happens
            in the background; 0 for never. Not where another client of the lake may delete or
            update rows: a merge beside it would undo that.
        readable: Where else the engine may read: directories, which end with `/`, and `s3://`
            for every bucket of the store.
        sync_files: Whether files on this machine are durable before the commit that names them.
    """

    catalog: FileCatalog | PostgresCatalog
    storage: LocalStorage | S3Storage
    temp_directory: Path
    spill_limit: str | None = None
    memory_limit: str | None = None
    process_memory: int | None = None
    threads: int | None = None
    catalog_timeout_s: float = 10
    inline_rows: int = DEFAULT_INLINE_ROWS
    compact_after: int = 0
    sync_files: bool = True
    readable: tuple[str, ...] = ()

    @property
    def copies(self) -> Path:
        """Where copies of objects lie that the engine cannot be let read where they are."""
        return self.temp_directory.absolute() / "objects"

    @property
    def data_path(self) -> str:
        """Where the data files lie, as the engine names it."""
        if isinstance(self.storage, S3Storage):
            return f"s3://{self.storage.bucket}/{self.storage.prefix}"
        return f"{self.storage.path.absolute()}/"

    @property
    def shown_data_path(self) -> str:
        """Where the data files lie, as a caller is told: no path of the server's own."""
        if isinstance(self.storage, LocalStorage):
            return f"{self.storage.path.name}/"
        return self.data_path

    @property
    def hidden(self) -> tuple[str, ...]:
        """What no message may tell: paths of the server, and secrets."""
        hidden = [path for path in self.readable if path.startswith("/")]
        hidden += [str(self.temp_directory.absolute()), str(self.temp_directory)]
        if isinstance(self.catalog, FileCatalog):
            hidden += [str(self.catalog.path.absolute()), str(self.catalog.path)]
        else:
            hidden += [self.catalog.password]
        if isinstance(self.storage, LocalStorage):
            hidden += [str(self.storage.path.absolute()), str(self.storage.path)]
        else:
            hidden += [self.storage.secret_key]
        return tuple(text for text in hidden if text)
