"""Commits that are stopped in the middle, to see what others do beside them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

from adapters.ducklake import DuckLakeTables, Lake, PostgresCatalog
from adapters.ducklake.engine.sql import qualified
from adapters.ducklake.writes.commit_turns import CommitTurns
from adapters.ducklake.writes.jobs import Applied, Job, Transaction
from domain.commits import Write
from domain.lineage import new_run_id
from domain.tables import TableName

LONGEST_S = 120


@contextmanager
def commit_under_way(
    lake: Lake, tables: DuckLakeTables, name: TableName, rows: int
) -> Iterator[None]:
    """While it lasts, a commit goes on that has written its file; then it is done."""
    insert = f"INSERT INTO {qualified(name)} (id) SELECT range FROM range({rows})"
    if isinstance(lake.config.catalog, PostgresCatalog):
        with closing(Lake(lake.config)) as other, other.cursor() as cursor:
            cursor.execute("BEGIN TRANSACTION")
            cursor.execute(insert)
            with CommitTurns(other).turn():
                yield
                cursor.execute("COMMIT")
        return
    written, released = threading.Event(), threading.Event()

    def work(transaction: Transaction) -> Applied[None]:
        transaction.cursor.execute(insert)
        written.set()
        assert released.wait(LONGEST_S)
        return Applied(None)

    job = Job(work, Write(str(name), "append", new_run_id(), rows))
    writer = threading.Thread(target=tables.writer.commit, args=(job,))
    writer.start()
    try:
        assert written.wait(LONGEST_S)
        yield
    finally:
        released.set()
        writer.join()
    job.result()
