"""Writes to a lake, to be traced: `python -m tests.trace.writes HOME full|commit`.

It prints a line for each write that was acknowledged, as that happens.
"""

import sys
from pathlib import Path

from adapters.ducklake import DuckLakeTables, FileCatalog, Lake, LakeConfig, LocalStorage
from domain.errors import RowsDoNotFitError
from domain.tables import IfExists, TableName
from tests.contract.table_cases import COLUMNS, append, create, definition, some_rows, write
from tests.fakes.rows import FakeRows

FILE_ROWS = 2_000
"""More rows than the catalog keeps."""
NULLS = {"id": [*range(FILE_ROWS - 1), None], "label": ["x"] * FILE_ROWS}
"""Rows that do not fit, which is found when the others have been written."""


def say(what: str) -> None:
    print(what, flush=True)


def main(home: Path, durability: str) -> None:
    config = LakeConfig(
        catalog=FileCatalog(home / "lake" / "catalog.ducklake"),
        storage=LocalStorage(home / "lake" / "data"),
        temp_directory=home / "temp",
        sync_files=durability == "full",
    )
    for _ in range(2):
        # The second time on a lake that is there already.
        lake = Lake(config)
        tables = DuckLakeTables(lake)
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
        lake.close()


main(Path(sys.argv[1]), sys.argv[2])
