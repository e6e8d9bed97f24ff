"""The table port: making, listing, describing and dropping tables."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from domain.column_types import OpaqueType
from domain.errors import (
    InvalidColumnError,
    InvalidPartitionError,
    TableExistsError,
    TableNotFoundError,
)
from domain.ports.tables import TablePort
from domain.tables import (
    AtVersion,
    Column,
    IfExists,
    NamespaceName,
    TableDefinition,
    TableName,
)
from tests.contract.lakes import OpenedLake, on_lakes_that_run_sql
from tests.contract.table_cases import (
    COLUMNS,
    ID,
    append,
    column,
    create,
    definition,
    some_rows,
    write,
)

ALL_TYPES = (
    *("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
    *("FLOAT", "DOUBLE", "DECIMAL(1,0)", "DECIMAL(9,2)", "DECIMAL(18,18)", "DECIMAL(38,10)"),
    *("VARCHAR", "BLOB", "UUID", "JSON"),
    *("DATE", "TIME", "TIME WITH TIME ZONE", "INTERVAL"),
    *("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"),
    "INTEGER[]",
    "VARCHAR[][]",
    "STRUCT(a INTEGER)",
    'STRUCT(a INTEGER, "b c" VARCHAR, "d""e" STRUCT("select" DATE))',
    "MAP(VARCHAR, BIGINT)",
    "MAP(INTEGER, STRUCT(x DOUBLE[], y MAP(UUID, DECIMAL(5,1))))[]",
)

ODD_NAMES = (
    *("a b", "select", '"', '""', "'", "a.b", "a,b", "[1]", "1", "?", "$1", "ünïcödé", "雪", "🦆"),
    'x"; DROP TABLE t; --',
    "n" * 128,
)


# -- create --------------------------------------------------------------------------------


def test_a_new_table_is_as_it_was_defined(tables: TablePort, name: TableName) -> None:
    columns = (
        column("id", "BIGINT", nullable=False, comment="What it is"),
        column("label", "VARCHAR"),
    )
    before = datetime.now(UTC)

    outcome = tables.create(
        definition(name, *columns, comment="A table"), IfExists.ERROR, write(name, "create")
    )

    made = outcome.description
    assert outcome.created
    assert str(made.name) == str(name)
    assert made.columns == columns
    assert made.comment == "A table"
    assert made.partition_by == ()
    assert (made.row_count, made.file_count, made.size_bytes) == (0, 0, 0)
    assert tables.describe(name) == made
    # A creation time may be kept in milliseconds.
    assert before - timedelta(milliseconds=1) <= made.created_at <= datetime.now(UTC)
    assert made.updated_at is not None
    assert before <= made.updated_at <= datetime.now(UTC)
    assert made.created_at.tzinfo is not None
    assert made.updated_at.tzinfo is not None


def test_the_location_tells_no_path_of_the_server(tables: TablePort, name: TableName) -> None:
    location = create(tables, name).location

    assert location
    # In a store, it is the URL that other clients of the lake need; it holds no credentials.
    assert not location.startswith(("/", "file:"))
    assert "@" not in location
    assert name.name in location


def test_columns_of_every_type(lake: OpenedLake, tables: TablePort, name: TableName) -> None:
    held = (type_ for type_ in ALL_TYPES if lake.holds(type_))
    columns = tuple(column(f"c{place}", type_) for place, type_ in enumerate(held))

    made = create(tables, name, *columns)

    assert made.columns == columns
    assert tables.columns(name) == columns


def test_column_names_of_every_kind(tables: TablePort, name: TableName) -> None:
    columns = tuple(column(odd, "INTEGER") for odd in ODD_NAMES)

    assert create(tables, name, *columns).columns == columns


def test_names_that_sql_reserves(tables: TablePort, namespace: str) -> None:
    names = [TableName(namespace, word) for word in ("select", "table", "order", "user")]
    names.append(TableName(f"{namespace}_group", "from"))

    for name in names:
        create(tables, name)
        append(tables, name, some_rows(1))

    assert [tables.describe(name).row_count for name in names] == [1] * len(names)


def test_comments_of_every_kind(tables: TablePort, name: TableName) -> None:
    comments = (
        "it's",
        'a "quote"',
        "two\nlines\t\r\n",
        "雪 🦆",
        "; DROP",
        "$$ $1 ?",
        "\\ \x01",
        "",
    )
    columns = tuple(
        column(f"c{place}", "INTEGER", comment=text) for place, text in enumerate(comments)
    )
    comment = "".join(comments)

    made = tables.create(
        definition(name, *columns, comment=comment), IfExists.ERROR, write(name, "create")
    ).description

    assert made.comment == comment
    assert [c.comment for c in made.columns] == list(comments)
    assert tables.columns(name) == columns


@pytest.mark.parametrize(
    "keys",
    [
        ("label",),
        ("year(at)",),
        ("month(at)",),
        ("day(at)",),
        ("hour(at)",),
        ("bucket(8, id)",),
        ("year(at)", "month(at)", "label", "bucket(16, id)"),
        ("a b",),
        ("day(a b)",),
    ],
)
def test_partitions(tables: TablePort, name: TableName, keys: tuple[str, ...]) -> None:
    columns = (*COLUMNS, column("at", "TIMESTAMP"), column("a b", "DATE"))

    made = tables.create(
        definition(name, *columns, partition_by=keys), IfExists.ERROR, write(name, "create")
    ).description
    append(tables, name, some_rows(200))

    assert made.partition_by == keys
    assert made.columns == columns
    assert tables.describe(name).partition_by == keys
    assert tables.describe(name).row_count == 200


def test_a_partition_key_goes_by_the_name_that_the_column_has(
    tables: TablePort, name: TableName
) -> None:
    made = tables.create(
        definition(name, column("At", "DATE"), partition_by=("year(AT)", "at")),
        IfExists.ERROR,
        write(name, "create"),
    )

    assert made.description.partition_by == ("year(At)", "At")


@pytest.mark.parametrize("key", ["year(label)", "month(id)", "day(id)", "hour(label)"])
def test_a_partition_that_does_not_fit_its_column(
    tables: TablePort, name: TableName, key: str
) -> None:
    with pytest.raises(InvalidPartitionError):
        tables.create(definition(name, partition_by=(key,)), IfExists.ERROR, write(name, "create"))

    with pytest.raises(TableNotFoundError):
        tables.describe(name)


@pytest.mark.parametrize("around", ["{}", "{}[]", "STRUCT(a {})", "MAP(VARCHAR, {})"])
def test_types_whose_values_the_lake_would_change(
    lake: OpenedLake, tables: TablePort, name: TableName, around: str
) -> None:
    for type_ in lake.refused_types:
        with pytest.raises(InvalidColumnError):
            create(tables, name, ID, column("c", around.format(type_)))

    with pytest.raises(TableNotFoundError):
        tables.describe(name)


def test_a_type_that_the_lake_cannot_hold(tables: TablePort, name: TableName) -> None:
    odd = TableDefinition(name, (Column("c", OpaqueType("VARIANT_OF_OURS")),))

    with pytest.raises(InvalidColumnError):
        tables.create(odd, IfExists.ERROR, write(name, "create"))

    with pytest.raises(TableNotFoundError):
        tables.describe(name)


def test_table_namespace_columns_and_comments_are_one_commit(
    tables: TablePort, name: TableName, namespace: str
) -> None:
    before = create(tables, name).snapshot_id
    other = TableName(f"{namespace}_other", "t")

    made = tables.create(
        definition(
            other,
            column("at", "DATE", comment="When"),
            comment="All in one",
            partition_by=("year(at)",),
        ),
        IfExists.ERROR,
        write(other, "create"),
    )

    assert made.description.snapshot_id == before + 1


def test_a_namespace_keeps_the_case_in_which_it_was_made(tables: TablePort, namespace: str) -> None:
    create(tables, TableName(namespace, "a"))
    made = create(tables, TableName(namespace.upper(), "B"))

    assert str(made.name) == f"{namespace}.B"
    page = tables.list_tables(NamespaceName(namespace), None, 10)
    assert {table.namespace for table in page.tables} == {namespace}


@pytest.mark.parametrize("spelled", ["Flights", "flights", "FLIGHTS"])
def test_a_table_that_is_there_already(tables: TablePort, namespace: str, spelled: str) -> None:
    name = TableName(namespace, "Flights")
    create(tables, name)
    append(tables, name, some_rows(3))
    before = tables.describe(name)
    again = TableName(namespace.upper(), spelled)

    with pytest.raises(TableExistsError):
        create(tables, again, column("other", "DATE"))

    assert tables.describe(again) == before


def test_if_exists_ignore_leaves_the_table_alone(
    lake: OpenedLake, tables: TablePort, name: TableName
) -> None:
    create(tables, name)
    append(tables, name, some_rows(3))
    before, said = tables.describe(name), len(lake.writes())

    outcome = tables.create(
        definition(TableName(name.namespace, "T"), column("other", "DATE")),
        IfExists.IGNORE,
        write(name, "create"),
    )

    assert not outcome.created
    assert outcome.description == before
    assert tables.describe(name) == before
    assert len(lake.writes()) == said


def test_if_exists_replace_makes_it_anew_in_one_commit(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    append(tables, name, some_rows(3))
    before = tables.describe(name)

    outcome = tables.create(
        definition(name, column("other", "DATE"), comment="New"),
        IfExists.REPLACE,
        write(name, "replace"),
    )

    assert outcome.created
    assert outcome.description.snapshot_id == before.snapshot_id + 1
    assert outcome.description.columns == (column("other", "DATE"),)
    assert outcome.description.comment == "New"
    assert outcome.description.row_count == 0
    assert tables.describe(name, AtVersion(before.snapshot_id)) == before


@pytest.mark.parametrize("if_exists", list(IfExists))
def test_if_exists_says_nothing_of_a_table_that_is_not_there(
    tables: TablePort, name: TableName, if_exists: IfExists
) -> None:
    assert tables.create(definition(name), if_exists, write(name, "create")).created


@on_lakes_that_run_sql
@pytest.mark.parametrize("if_exists", list(IfExists))
def test_a_view_is_never_taken_for_a_table(
    lake: OpenedLake, tables: TablePort, name: TableName, if_exists: IfExists
) -> None:
    lake.as_another_client(f"CREATE SCHEMA lake.{name.namespace}")
    lake.as_another_client(f"CREATE VIEW lake.{name} AS SELECT 42 AS answer")

    with pytest.raises(TableExistsError):
        tables.create(definition(name), if_exists, write(name, "create"))
    with pytest.raises(TableNotFoundError):
        tables.describe(name)
    with pytest.raises(TableNotFoundError):
        append(tables, name, some_rows(1))
    with pytest.raises(TableNotFoundError):
        tables.drop(name, write(name, "drop"))

    assert tables.list_tables(NamespaceName(name.namespace), None, 10).tables == ()


# -- list ----------------------------------------------------------------------------------


def listed(
    tables: TablePort, namespace: NamespaceName | None, limit: int
) -> list[list[tuple[str, str]]]:
    """All pages of a listing."""
    pages: list[list[tuple[str, str]]] = []
    after: tuple[str, str] | None = None
    while True:
        page = tables.list_tables(namespace, after, limit)
        pages.append([(table.namespace, table.name) for table in page.tables])
        after = page.next_after
        if after is None:
            return pages


def flat(pages: Sequence[Sequence[tuple[str, str]]]) -> list[tuple[str, str]]:
    return list(itertools.chain.from_iterable(pages))


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8, 100])
def test_paging_loses_nothing_and_doubles_nothing(
    tables: TablePort, namespace: str, limit: int
) -> None:
    made = ["b", "a", "_z", "B2", "a_1", "a1", "Zz"]
    for table in made:
        create(tables, TableName(namespace, table))

    pages = listed(tables, NamespaceName(namespace), limit)

    assert flat(pages) == [(namespace, table) for table in sorted(made)]
    assert all(len(page) == limit for page in pages[:-1])
    assert 1 <= len(pages[-1]) <= limit


def test_all_namespaces_are_listed_in_one_order(tables: TablePort, namespace: str) -> None:
    made = [
        (f"{namespace}_{part}", table) for part, table in itertools.product("bca", ("y", "x", "z"))
    ]
    for each in made:
        create(tables, TableName(*each))

    everything = flat(listed(tables, None, 2))

    assert everything == sorted(everything)
    assert len(set(everything)) == len(everything)
    assert [each for each in everything if each in set(made)] == sorted(made)


def test_a_listing_of_one_namespace(tables: TablePort, namespace: str) -> None:
    create(tables, TableName(namespace, "a"))
    create(tables, TableName(f"{namespace}_", "b"))
    # `_` matches any character where names are compared by LIKE.
    create(tables, TableName(namespace.replace("_", "x"), "c"))

    assert flat(listed(tables, NamespaceName(namespace), 10)) == [(namespace, "a")]
    assert flat(listed(tables, NamespaceName(namespace.upper()), 10)) == [(namespace, "a")]


def test_a_namespace_that_is_not_there_has_no_tables(tables: TablePort, namespace: str) -> None:
    page = tables.list_tables(NamespaceName(namespace), None, 10)

    assert page.tables == ()
    assert page.next_after is None


def test_a_listing_goes_on_where_a_table_was_dropped(tables: TablePort, namespace: str) -> None:
    for table in "abcd":
        create(tables, TableName(namespace, table))
    first = tables.list_tables(NamespaceName(namespace), None, 2)
    assert first.next_after is not None
    tables.drop(TableName(namespace, "b"), write(TableName(namespace, "b"), "drop"))

    second = tables.list_tables(NamespaceName(namespace), first.next_after, 2)

    assert [table.name for table in first.tables] == ["a", "b"]
    assert [table.name for table in second.tables] == ["c", "d"]


def test_a_listing_tells_the_comments(tables: TablePort, namespace: str) -> None:
    commented, plain = TableName(namespace, "a"), TableName(namespace, "b")
    tables.create(
        definition(commented, column("c", "DATE", comment="of a column"), comment="of a table"),
        IfExists.ERROR,
        write(commented, "create"),
    )
    create(tables, plain, column("c", "DATE", comment="of a column"))

    page = tables.list_tables(NamespaceName(namespace), None, 10)

    assert [table.comment for table in page.tables] == ["of a table", None]


@on_lakes_that_run_sql
def test_tables_that_another_client_named_are_listed(
    lake: OpenedLake, tables: TablePort, namespace: str
) -> None:
    odd = f"{namespace} odd"
    lake.as_another_client(f'CREATE SCHEMA lake."{odd}"')
    lake.as_another_client(f'CREATE TABLE lake."{odd}"."it\'s ""here""" (i INTEGER)')
    lake.as_another_client(f'CREATE TABLE lake."{odd}"."雪" (i INTEGER)')

    everything = flat(listed(tables, None, 1))

    assert [each for each in everything if each[0] == odd] == [
        (odd, 'it\'s "here"'),
        (odd, "雪"),
    ]


# -- what is not there ---------------------------------------------------------------------


def test_a_table_that_is_not_there(tables: TablePort, name: TableName) -> None:
    create(tables, TableName(name.namespace, "other"))

    with pytest.raises(TableNotFoundError):
        tables.describe(name)
    with pytest.raises(TableNotFoundError):
        tables.columns(name)
    with pytest.raises(TableNotFoundError):
        append(tables, name, some_rows(1))
    with pytest.raises(TableNotFoundError):
        append(tables, name, some_rows(0))
    with pytest.raises(TableNotFoundError):
        tables.drop(name, write(name, "drop"))


def test_a_namespace_that_is_not_there(tables: TablePort, name: TableName) -> None:
    with pytest.raises(TableNotFoundError):
        tables.describe(name)
    with pytest.raises(TableNotFoundError):
        append(tables, name, some_rows(1))
    with pytest.raises(TableNotFoundError):
        tables.drop(name, write(name, "drop"))


# -- drop ----------------------------------------------------------------------------------


def test_a_dropped_table_is_gone(tables: TablePort, namespace: str) -> None:
    name = TableName(namespace, "Gone")
    create(tables, name)
    append(tables, name, some_rows(3))

    tables.drop(TableName(namespace.upper(), "gone"), write(name, "drop"))

    with pytest.raises(TableNotFoundError):
        tables.describe(name)
    with pytest.raises(TableNotFoundError):
        tables.drop(name, write(name, "drop"))
    assert tables.list_tables(NamespaceName(namespace), None, 10).tables == ()


def test_a_dropped_table_can_be_made_again(tables: TablePort, name: TableName) -> None:
    create(tables, name)
    append(tables, name, some_rows(3))
    before = tables.describe(name)
    tables.drop(name, write(name, "drop"))

    again = create(tables, name, column("other", "DATE"))

    assert again.columns == (column("other", "DATE"),)
    assert again.row_count == 0
    assert again.snapshot_id > before.snapshot_id
    assert again.created_at >= before.created_at
    assert tables.describe(name, AtVersion(before.snapshot_id)) == before


# -- what commits say ----------------------------------------------------------------------


def test_every_commit_names_its_run(lake: OpenedLake, tables: TablePort, name: TableName) -> None:
    said = [
        write(name, "create"),
        write(name, "append", 3),
        write(name, "replace"),
        write(name, "append", 200),
        write(name, "drop"),
    ]
    before = len(lake.writes())

    tables.create(definition(name), IfExists.ERROR, said[0])
    tables.append(name, some_rows(3), said[1])
    tables.create(definition(name), IfExists.REPLACE, said[2])
    tables.append(name, some_rows(200), said[3])
    tables.drop(name, said[4])

    assert list(lake.writes())[before:] == said


def test_what_fails_says_nothing(lake: OpenedLake, tables: TablePort, name: TableName) -> None:
    create(tables, name)
    before = lake.writes()

    with pytest.raises(TableExistsError):
        create(tables, name)
    with pytest.raises(TableNotFoundError):
        append(tables, TableName(name.namespace, "other"), some_rows(1))

    assert lake.writes() == before


def test_the_catalog_answers(tables: TablePort) -> None:
    assert tables.check().ok
