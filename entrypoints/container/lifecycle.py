"""What is built before the first request, and how all is closed."""

from __future__ import annotations

from entrypoints.container.container import Container

# ruff: noqa: PLC0415 - adapters are imported when they are needed, as in `adapters.py`


def open_stores(container: Container) -> None:
    """Open the lake and the datasets, so that no request waits for it.

    Raises: what the adapters raise that cannot be opened; it is tried again when needed.
    """
    container.lake().open()
    container.tables()
    container.queries()
    container.datasets()
    # It ends what an earlier process left unfinished.
    container.statement_runner()


def import_libraries(container: Container) -> None:
    """Build what takes long to import and is not needed to be ready."""
    from adapters.ducklake.engine.lake import load_client
    from adapters.openlineage.publisher import OpenLineagePublisher

    container.rows()
    load_client()
    lineage = container.lineage()
    if isinstance(lineage, OpenLineagePublisher):
        # Its worker imports the client, which the first event would do otherwise.
        lineage.start()


def archive_keys(container: Container) -> None:
    """Before a server stops, write the keys of its last minute to where all others are."""
    from adapters.ducklake import DuckLakeTables

    tables = container.tables()
    if isinstance(tables, DuckLakeTables):
        tables.archive_keys()


def close_container(container: Container) -> None:
    """Close what was built: the lake closed, then lineage flushed, then the lock released."""
    container.closing().close()
    container.closing_last().close()
    container.reset_singletons()
