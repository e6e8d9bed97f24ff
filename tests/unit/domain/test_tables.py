from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.column_types import parse_column_type
from domain.errors import InvalidColumnError, InvalidPartitionError, InvalidTableNameError
from domain.tables import (
    MAX_COLUMNS,
    MAX_COMMENT_LENGTH,
    RESERVED_COLUMN_NAMES,
    RESERVED_NAMESPACES,
    Column,
    NamespaceName,
    PartitionKey,
    TableDefinition,
    TableName,
    Transform,
    check_columns,
)

INTEGER = parse_column_type("INTEGER")
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,127}", fullmatch=True)
NAME = TableName.parse("t")


# -- names ---------------------------------------------------------------------------------


@given(NAMES.filter(lambda name: name.casefold() not in RESERVED_NAMESPACES), NAMES)
def test_names_read_back_what_they_write(namespace: str, name: str) -> None:
    table = TableName(namespace, name)

    assert TableName.parse(str(table)) == table
    assert str(TableName.parse(str(table))) == str(table)


@given(NAMES)
def test_a_name_of_one_part_is_in_the_default_namespace(name: str) -> None:
    assert TableName.parse(name) == TableName("main", name)


@given(NAMES)
def test_names_that_differ_in_case_alone_are_one(name: str) -> None:
    upper, lower = TableName("ns", name.upper()), TableName("NS", name.lower())

    assert upper == lower
    assert hash(upper) == hash(lower)
    assert len({upper, lower}) == 1


def test_a_name_is_no_text() -> None:
    assert TableName.parse("t") != "main.t"


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "a.", ".a", "a..b", "a.b.c", "1", "1a", "a b", " a", "a ", "a-b", 'a"b', "ä"),
        *("a\n", "a\x00", "a;b", "../a", "ⅷ", "a.1", "1.a", "a" * 129, "a" * 129 + ".b", "٣"),
    ],
)
def test_names_against_the_rules(text: str) -> None:
    with pytest.raises(InvalidTableNameError):
        TableName.parse(text)


@pytest.mark.parametrize("text", ["_", "a", "a_1", "A" * 128, "x.y", f"{'n' * 128}.{'t' * 128}"])
def test_names_within_the_rules(text: str) -> None:
    assert str(TableName.parse(text)).endswith(text)


@pytest.mark.parametrize("name", ["information_schema", "INFORMATION_SCHEMA", "pg_catalog"])
def test_namespaces_of_the_engine_are_reserved(name: str) -> None:
    with pytest.raises(InvalidTableNameError):
        NamespaceName(name)
    with pytest.raises(InvalidTableNameError):
        TableName(name, "t")
    assert str(TableName("main", name)) == f"main.{name}"


def test_an_error_shows_a_long_name_in_part() -> None:
    with pytest.raises(InvalidTableNameError) as raised:
        TableName.parse("x" * 100_000)

    assert len(raised.value.detail) < 400


# -- columns -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x" * 129,
        "a\n",
        "a\x00b",
        "\x7f",
        "\x85",
        "\ud800",
        *sorted(RESERVED_COLUMN_NAMES),
        "RowID",
    ],
)
def test_column_names_against_the_rules(name: str) -> None:
    with pytest.raises(InvalidColumnError):
        check_columns((Column(name, INTEGER),))


@pytest.mark.parametrize(
    "name", [" ", "a b", '"', "'", "雪", "🦆", "x" * 128, "1", ".", "%", "-- x"]
)
def test_column_names_within_the_rules(name: str) -> None:
    check_columns((Column(name, INTEGER),))


@pytest.mark.parametrize("pair", [("a", "a"), ("a", "A"), ("straße", "STRASSE"), ("É", "é")])
def test_two_columns_of_one_name(pair: tuple[str, str]) -> None:
    with pytest.raises(InvalidColumnError, match="twice"):
        check_columns(tuple(Column(name, INTEGER) for name in pair))


def test_how_many_columns_a_table_has() -> None:
    with pytest.raises(InvalidColumnError):
        check_columns(())
    columns = tuple(Column(f"c{number}", INTEGER) for number in range(MAX_COLUMNS))
    check_columns(columns)
    with pytest.raises(InvalidColumnError):
        check_columns((*columns, Column("one_more", INTEGER)))


@pytest.mark.parametrize("comment", ["x" * (MAX_COMMENT_LENGTH + 1), "a\x00", "\udfff"])
def test_comments_against_the_rules(comment: str) -> None:
    with pytest.raises(InvalidColumnError):
        check_columns((Column("c", INTEGER, comment=comment),))
    with pytest.raises(InvalidColumnError):
        TableDefinition(NAME, (Column("c", INTEGER),), comment=comment)


# -- partitions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, key",
    [
        ("label", PartitionKey("label")),
        (" label ", PartitionKey("label")),
        ('"a b"', PartitionKey("a b")),
        ('"a""b"', PartitionKey('a"b')),
        ("year(ts)", PartitionKey("ts", Transform.YEAR)),
        ("MONTH( ts )", PartitionKey("ts", Transform.MONTH)),
        ('day("a b")', PartitionKey("a b", Transform.DAY)),
        ("hour(a b)", PartitionKey("a b", Transform.HOUR)),
        ("bucket(8, id)", PartitionKey("id", Transform.BUCKET, 8)),
        ("Bucket( 16,id )", PartitionKey("id", Transform.BUCKET, 16)),
        ("years(ts)", PartitionKey("years(ts)")),
    ],
)
def test_partition_keys(text: str, key: PartitionKey) -> None:
    assert PartitionKey.parse(text) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "bucket(id)",
        "bucket(8)",
        "bucket(x, id)",
        "bucket(0, id)",
        "bucket(-1, c)",
        "bucket(9999999, id)",
    ],
)
def test_partition_keys_against_the_rules(text: str) -> None:
    with pytest.raises(InvalidPartitionError):
        PartitionKey.parse(text)


@pytest.mark.parametrize(
    "transform, buckets",
    [(Transform.BUCKET, None), (Transform.BUCKET, 0), (Transform.YEAR, 8), (Transform.IDENTITY, 1)],
)
def test_only_a_bucket_has_buckets(transform: Transform, buckets: int | None) -> None:
    with pytest.raises(InvalidPartitionError):
        PartitionKey("c", transform, buckets)


@given(
    column=st.text(string.ascii_letters + "_", min_size=1),
    transform=st.sampled_from(Transform),
    buckets=st.integers(1, 999_999),
)
def test_partition_keys_read_back_what_they_write(
    column: str, transform: Transform, buckets: int
) -> None:
    key = PartitionKey(column, transform, buckets if transform is Transform.BUCKET else None)

    assert PartitionKey.parse(str(key)) == key


def test_a_partition_key_names_a_column_of_the_table() -> None:
    columns = (Column("At", INTEGER),)
    TableDefinition(NAME, columns, partition_by=(PartitionKey("AT"),))

    with pytest.raises(InvalidPartitionError, match="names no column"):
        TableDefinition(NAME, columns, partition_by=(PartitionKey("other"),))
