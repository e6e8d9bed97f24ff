"""Writes to a lake, to be traced: `python -m tests.trace.writes HOME full|commit`.

It prints a line for each write that was acknowledged, as that happens.
"""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from adapters.ducklake import (
    DuckLakeTables,
    FileCatalog,
    Lake,
    LakeConfig,
    LocalStorage,
    ObjectSources,
)
from adapters.ducklake.engine.sql import qualified
from adapters.ducklake.writes.jobs import Applied, Job, Transaction
from adapters.filesystem.datasets import FilesystemDatasets
from domain.datasets import BucketName, ObjectName, ObjectRef
from domain.derived_tables import DerivedTable
from domain.errors import RowsDoNotFitError
from domain.growth import Growth
from domain.idempotency import IdempotencyKey, KeyedRequest, WriteTerms
from domain.object_rows import ObjectRows
from domain.queries import Query
from domain.tables import IfExists, TableName
from tests.contract.dataset_cases import put
from tests.contract.table_cases import (
    COLUMNS,
    append,
    column,
    create,
    definition,
    some_rows,
    write,
)
from tests.eventually import eventually
from tests.fakes.rows import FakeRows

PLAIN, PARTED = TableName("main", "plain"), TableName("other", "parted")
MERGED = TableName("main", "merged")

FILE_ROWS = 2_000
"""More rows than the catalog keeps."""
NULLS = {"id": [*range(FILE_ROWS - 1), None], "label": ["x"] * FILE_ROWS}
"""Rows that do not fit, which is found when the others have been written."""
KEYS = 150
"""More keys than the catalog keeps of a table that was just made."""
SMALL_FILES = 3
"""So many are merged."""


def say(what: str) -> None:
    print(what, flush=True)


def main(home: Path, durability: str) -> None:
    datasets = FilesystemDatasets(home / "datasets")
    source = ObjectRef(BucketName("raw-data"), ObjectName("rows.csv"))
    datasets.create_bucket(source.bucket)
    content = b"id\n" + b"".join(b"%d\n" % number for number in range(FILE_ROWS))
    put(datasets, source.bucket, source.name.value, content)
    config = LakeConfig(
        catalog=FileCatalog(home / "lake" / "catalog.ducklake"),
        storage=LocalStorage(home / "lake" / "data"),
        temp_directory=home / "temp",
        sync_files=durability == "full",
        readable=tuple(datasets.location_roots),
    )
    for _ in range(2):
        # The second time on a lake that is there already.
        with opened(config, datasets) as tables:
            write_rows(tables)
            write_from_elsewhere(tables, ObjectRows.parse([str(source)]))
            write_keys(tables)
            delete_rows(tables)
        with opened(replace(config, compact_after=SMALL_FILES), datasets) as tables:
            merge_files(tables)


@contextmanager
def opened(config: LakeConfig, datasets: FilesystemDatasets) -> Iterator[DuckLakeTables]:
    with (
        closing(Lake(config)) as lake,
        closing(DuckLakeTables(lake, objects=ObjectSources(lake, datasets))) as tables,
    ):
        yield tables


def write_rows(tables: DuckLakeTables) -> None:
    create(tables, PLAIN, if_exists=IfExists.REPLACE)
    say("create")
    tables.create(
        definition(PARTED, *COLUMNS, partition_by=("bucket(4, id)",)),
        IfExists.REPLACE,
        write(PARTED, "create"),
    )
    say("create a partitioned table")
    append(tables, PLAIN, some_rows(1))
    say("append to the catalog")
    for number in range(3):
        append(tables, PLAIN, some_rows(FILE_ROWS, number * FILE_ROWS))
        say("append to a file")
    append(tables, PARTED, some_rows(FILE_ROWS))
    say("append to partitions")
    try:
        append(tables, PLAIN, FakeRows.of(COLUMNS, NULLS))
    except RowsDoNotFitError:
        print("refuse", file=sys.stderr, flush=True)
    append(tables, PLAIN, some_rows(FILE_ROWS))
    say("append behind a failure")
    extra = column("extra", "BIGINT")
    growing = {"id": range(FILE_ROWS), "extra": range(FILE_ROWS)}
    append(tables, PLAIN, FakeRows.of((*COLUMNS, extra), growing, Growth((extra,))))
    say("append to a table that grows")


def write_from_elsewhere(tables: DuckLakeTables, rows: ObjectRows) -> None:
    for table in (PLAIN, PARTED):
        tables.load(table, rows, write(table, "load"))
        say("load")
    for origin in (Query(f"SELECT i AS id FROM range({FILE_ROWS}) r(i)"), rows):
        derived = DerivedTable(TableName("main", "derived"), origin)
        tables.create_from(derived, IfExists.REPLACE, write(derived.name, "create"))
        say("create from rows")


def write_keys(tables: DuckLakeTables) -> None:
    """Many appends under keys, and the file of the keys' own table."""
    begun = [
        tables.submit(
            PLAIN,
            some_rows(1),
            write(PLAIN, "append", 1),
            WriteTerms(KeyedRequest(IdempotencyKey(write(PLAIN, "append").run_id), b"digest")),
        )
        for _ in range(KEYS)
    ]
    for each in begun:
        each.result()
    say("append under keys")
    tables.archive_keys()
    say("archive keys")


def delete_rows(tables: DuckLakeTables) -> None:
    """Delete a part of each file's rows, as any job of the writer may."""
    for table in (PLAIN, PARTED):

        def work(transaction: Transaction, name: TableName = table) -> Applied[None]:
            transaction.cursor.execute(f"DELETE FROM {qualified(name)} WHERE id % 2 = 0")
            return Applied(None)

        tables.writer.commit(Job(work, write(table, "delete")))
        say("delete")


def merge_files(tables: DuckLakeTables) -> None:
    """Leave small files behind until they are merged in the background."""
    create(tables, MERGED, if_exists=IfExists.REPLACE)
    for number in range(SMALL_FILES):
        append(tables, MERGED, some_rows(FILE_ROWS, number * FILE_ROWS))
    eventually(lambda: tables.describe(MERGED).file_count == 1, "the files were not merged")
    # The merge is seen before it is acknowledged: what comes in turn is committed behind it.
    append(tables, MERGED, some_rows(1))
    say("merge")


main(Path(sys.argv[1]), sys.argv[2])
