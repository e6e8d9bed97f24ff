"""The DuckDB instance that the lake is attached to."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb

from adapters.ducklake.config import LakeConfig
from adapters.ducklake.errors import translated
from adapters.ducklake.extensions import load_extension
from adapters.ducklake.sql import LAKE, literal

_logger = logging.getLogger(__name__)


class Lake:
    """One DuckDB instance with the lake attached and its walls up.

    It opens when it is first used, or by `open`. A connection of it is never shared: each
    operation takes a cursor of its own, since with a shared one threads get each other's rows.
    """

    def __init__(self, config: LakeConfig) -> None:
        self.config = config
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._opening = threading.Lock()
        self._cursors: set[duckdb.DuckDBPyConnection] = set()
        self._closed = False

    def open(self) -> None:
        """Attach the lake, making it when it is not there.

        Raises:
            LakeLockedError: When another process holds the catalog.
            ConfigurationError: When an extension cannot be loaded.
            UnavailableError: When the catalog or the storage does not answer.
        """
        with self._opening:
            if self._connection is None:
                self._connection = self._connected()

    def close(self) -> None:
        """Interrupt what runs, detach the lake and give its catalog back."""
        with self._opening:
            self._closed = True
            # An open cursor would keep the catalog's lock.
            for cursor in list(self._cursors):
                cursor.interrupt()
                cursor.close()
            if self._connection is not None:
                with suppress(duckdb.Error):
                    self._connection.execute(f"USE memory; DETACH {LAKE}")
                self._connection.close()
                self._connection = None

    def take_cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor for one operation, to be given back with `return_cursor`."""
        self.open()
        with self._opening:
            if self._connection is None:
                raise RuntimeError("The lake is closed.")
            cursor = self._connection.cursor()
            self._cursors.add(cursor)
        return cursor

    def return_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Close a cursor; a transaction that it has not committed is rolled back."""
        self._cursors.discard(cursor)
        cursor.close()

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor for one operation. DuckDB's errors come out of it as the domain's."""
        cursor = self.take_cursor()
        try:
            yield cursor
        except (duckdb.Error, OSError) as error:
            known = translated(error, self.redact)
            if known is None:
                raise
            _logger.debug("The engine said: %s", error)
            raise known from error
        finally:
            self.return_cursor(cursor)

    @contextmanager
    def snapshot(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor in a transaction that sees one snapshot of the lake and writes nothing."""
        with self.cursor() as cursor:
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            yield cursor

    def redact(self, text: str) -> str:
        """Take the server's own paths out of a message."""
        for path in (self.config.data_path, self.config.catalog_file, self.config.temp_directory):
            text = text.replace(str(path.absolute()), "...").replace(str(path), "...")
        return text

    def _connected(self) -> duckdb.DuckDBPyConnection:
        if self._closed:
            raise RuntimeError("The lake is closed.")
        config = self.config
        for directory in (config.catalog_file.parent, config.data_path, config.temp_directory):
            directory.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(config=self._settings())
        try:
            load_extension(connection, "ducklake")
            connection.execute(
                f"ATTACH {literal(f'ducklake:{config.catalog_file.absolute()}')} AS {LAKE} "
                f"(DATA_PATH {literal(self._data_path())})"
            )
            self._put_up_walls(connection)
        except (duckdb.Error, OSError) as error:
            connection.close()
            raise translated(error, self.redact) or error from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _data_path(self) -> str:
        return f"{self.config.data_path.absolute()}/"

    def _settings(self) -> dict[str, str | bool | int | float | list[str]]:
        settings: dict[str, str | bool | int | float | list[str]] = {
            # Cannot be changed once there is a secret, so it comes first.
            "allow_persistent_secrets": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "temp_directory": str(self.config.temp_directory.absolute()),
        }
        if self.config.memory_limit is not None:
            settings["memory_limit"] = self.config.memory_limit
        if self.config.threads is not None:
            settings["threads"] = str(self.config.threads)
        return settings

    def _put_up_walls(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The second wall behind the gate: none of it can be taken down at run time."""
        for setting in (
            "errors_as_json=true",
            "TimeZone='UTC'",
            "python_enable_replacements=false",
            f"allowed_directories=[{literal(self._data_path())}]",
            "enable_external_access=false",
            "lock_configuration=true",
        ):
            connection.execute(f"SET GLOBAL {setting}")
