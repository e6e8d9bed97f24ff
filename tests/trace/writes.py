"""Writes to a lake, to be traced: `python -m tests.trace.writes HOME full|commit`.

It prints a line for each write that was acknowledged, as that happens.
"""

import sys
from pathlib import Path

from adapters.ducklake import (
    DuckLakeTables,
    FileCatalog,
    Lake,
    LakeConfig,
    LocalStorage,
    ObjectSources,
)
from adapters.filesystem.datasets import FilesystemDatasets
from domain.datasets import BucketName, ObjectName, ObjectRef
from domain.derived_tables import DerivedTable
from domain.errors import RowsDoNotFitError
from domain.growth import Growth
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
from tests.fakes.rows import FakeRows

FILE_ROWS = 2_000
"""More rows than the catalog keeps."""
NULLS = {"id": [*range(FILE_ROWS - 1), None], "label": ["x"] * FILE_ROWS}
"""Rows that do not fit, which is found when the others have been written."""


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
        lake = Lake(config)
        tables = DuckLakeTables(lake, objects=ObjectSources(lake, datasets))
        plain, parted = TableName("main", "plain"), TableName("other", "parted")
        create(tables, plain, if_exists=IfExists.REPLACE)
        say("create")
        tables.create(
            definition(parted, *COLUMNS, partition_by=("bucket(4, id)",)),
            IfExists.REPLACE,
            write(parted, "create"),
        )
        say("create a partitioned table")
        append(tables, plain, some_rows(1))
        say("append to the catalog")
        for number in range(3):
            append(tables, plain, some_rows(FILE_ROWS, number * FILE_ROWS))
            say("append to a file")
        append(tables, parted, some_rows(FILE_ROWS))
        say("append to partitions")
        try:
            append(tables, plain, FakeRows.of(COLUMNS, NULLS))
        except RowsDoNotFitError:
            print("refuse", file=sys.stderr, flush=True)
        append(tables, plain, some_rows(FILE_ROWS))
        say("append behind a failure")
        extra = column("extra", "BIGINT")
        growing = {"id": range(FILE_ROWS), "extra": range(FILE_ROWS)}
        append(tables, plain, FakeRows.of((*COLUMNS, extra), growing, Growth((extra,))))
        say("append to a table that grows")
        rows = ObjectRows.parse([str(source)])
        tables.load(plain, rows, write(plain, "load"))
        say("load")
        for origin in (Query(f"SELECT i AS id FROM range({FILE_ROWS}) r(i)"), rows):
            derived = DerivedTable(TableName("main", "derived"), origin)
            tables.create_from(derived, IfExists.REPLACE, write(derived.name, "create"))
            say("create from rows")
        lake.close()


main(Path(sys.argv[1]), sys.argv[2])
