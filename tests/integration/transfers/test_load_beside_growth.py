"""Loads into a table that others make grow while the objects are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.ducklake import DuckLakeTables, Lake
from adapters.ducklake.objects.sources import ObjectSource, ObjectSources
from domain.errors import RowsDoNotFitError, TableChangedError
from domain.growth import Growth, OnNewColumns
from domain.idempotency import WriteTerms
from domain.object_rows import ObjectRows
from domain.tables import IfExists, TableName
from tests.contract.table_cases import append, column, create, write
from tests.fakes.rows import FakeRows
from tests.integration.transfers.conftest import Service
from tests.local_lake import local_lake

NAME = TableName("main", "growing")
COLUMNS = (column("a", "INTEGER"),)


class SlowSources(ObjectSources):
    """Sources beside whose opening something else happens."""

    meanwhile: Callable[[], object]

    def open(self, *args: Any, **more: Any) -> ObjectSource:
        self.meanwhile()
        return super().open(*args, **more)


@contextmanager
def table_of_a_slow_lake(
    service: Service, directory: Path
) -> Iterator[tuple[DuckLakeTables, SlowSources]]:
    """A lake of its own with the table, and the sources that its loads open."""
    config = local_lake(directory, service.container.datasets())
    with closing(Lake(config)) as lake:
        sources = SlowSources(lake, service.container.datasets())
        with closing(DuckLakeTables(lake, objects=sources)) as tables:
            create(tables, NAME, *COLUMNS)
            yield tables, sources


@pytest.mark.parametrize("retyped", [False, True])
def test_a_load_goes_on_where_its_values_have_room(
    service: Service, tmp_path: Path, *, retyped: bool
) -> None:
    bucket = service.bucket()
    service.http.put(f"/datasets/{bucket}/x.csv", content=b"a\n7\n")
    with table_of_a_slow_lake(service, tmp_path) as (tables, sources):

        def grow() -> None:
            growth = Growth((column("b", "VARCHAR"),), (column("a", "BIGINT"),))
            append(tables, NAME, FakeRows.of(COLUMNS, {"a": [1]}, growth))

        def retype() -> None:
            create(tables, NAME, column("a", "DATE"), if_exists=IfExists.REPLACE)

        sources.meanwhile = retype if retyped else grow
        rows = ObjectRows.parse([f"{bucket}/x.csv"])
        if retyped:
            with pytest.raises(RowsDoNotFitError):
                tables.load(NAME, rows, write(NAME, "load"))
            assert tables.describe(NAME).row_count == 0
        else:
            assert tables.load(NAME, rows, write(NAME, "load")).outcome.rows_appended == 1
            assert [str(each.type) for each in tables.columns(NAME)] == ["BIGINT", "VARCHAR"]
            assert tables.describe(NAME).row_count == 2


@pytest.mark.parametrize("other_type, added", [("VARCHAR", []), ("DATE", None)])
def test_a_load_adds_what_others_have_not_added_meanwhile(
    service: Service, tmp_path: Path, other_type: str, added: list[str] | None
) -> None:
    bucket = service.bucket()
    service.http.put(f"/datasets/{bucket}/x.csv", content=b"a,new\n7,x\n")
    with table_of_a_slow_lake(service, tmp_path) as (tables, sources):
        other = column("new", other_type)
        growing = FakeRows.of(COLUMNS, {"a": [1]}, Growth((other,)))
        sources.meanwhile = lambda: append(tables, NAME, growing)
        rows = ObjectRows.parse([f"{bucket}/x.csv"])
        terms, add = WriteTerms(), OnNewColumns.ADD
        if added is None:
            with pytest.raises(TableChangedError):
                tables.load(NAME, rows, write(NAME, "load"), terms, add)
            assert tables.describe(NAME).row_count == 1
        else:
            done = tables.load(NAME, rows, write(NAME, "load"), terms, add)
            assert [each.name for each in done.outcome.columns_added] == added
            assert tables.describe(NAME).row_count == 2
