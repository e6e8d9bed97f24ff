"""The columns of the lake's tables, remembered where nobody else can change them."""

from __future__ import annotations

import threading

import duckdb

from adapters.ducklake.catalog.metadata import Metadata, TableEntry
from adapters.ducklake.config import FileCatalog
from adapters.ducklake.engine.lake import Lake
from domain.errors import TableNotFoundError
from domain.tables import Column, TableName


class Schemas:
    """The columns of tables.

    A catalog in a file belongs to this process alone, so what its tables look like changes by
    this process's own hand, and is worth remembering: asking takes longer than a small append.

    Attributes:
        catalog_keeps_nested: Whether nested values that are inlined in the catalog stay as
            they are.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._remembers = isinstance(lake.config.catalog, FileCatalog)
        self.catalog_keeps_nested = isinstance(lake.config.catalog, FileCatalog)
        self._columns: dict[TableName, tuple[Column, ...]] = {}
        self._changes = 0
        self._lock = threading.Lock()

    def is_remembered(self, name: TableName) -> bool:
        """Whether a table's columns need not be asked for."""
        return name in self._columns

    def now(self, name: TableName) -> tuple[Column, ...]:
        """A table's columns.

        Raises:
            TableNotFoundError: When it is not there.
        """
        remembered = self._columns.get(name)
        if remembered is not None:
            return remembered
        return self._lake.read(lambda cursor: self.columns(cursor, name))

    def columns(self, cursor: duckdb.DuckDBPyConnection, name: TableName) -> tuple[Column, ...]:
        """A table's columns, as the cursor's transaction sees them.

        Raises:
            TableNotFoundError: When it is not there.
        """
        remembered = self._columns.get(name)
        if remembered is not None:
            return remembered
        changes = self._changes
        metadata = Metadata(cursor)
        columns = metadata.columns(known_table(metadata, name))
        with self._lock:
            # What was read before a change must not be remembered after it.
            if self._remembers and changes == self._changes:
                self._columns[name] = columns
        return columns

    def forget(self, name: TableName) -> None:
        """Forget a table, since it has been changed."""
        with self._lock:
            self._changes += 1
            self._columns.pop(name, None)


def known_table(metadata: Metadata, name: TableName) -> TableEntry:
    """The table of that name.

    Raises:
        TableNotFoundError: When it is not there.
    """
    table = metadata.table(name)
    if table is None:
        raise TableNotFoundError(f"There is no table {name}.")
    return table
