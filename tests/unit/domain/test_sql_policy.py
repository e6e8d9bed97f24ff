"""Judging a statement by what it names, calls and weighs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.errors import StatementNotAllowedError, TooLargeError
from domain.sql.limits import (
    MAX_ARRAY_SIZE,
    MAX_COST,
    MAX_DEPTH,
    MAX_GROWTH,
    MAX_LIST_WORK,
    MAX_MADE_LIST,
)
from domain.sql.objects import ObjectRead, OptionValue
from domain.sql.policy import checked_list_limit, judge, unknown_functions
from domain.sql.sizes import is_checked, replacing_factor
from domain.sql.statement import Call, Literal, Reference, Size, Statement


def table(*parts: str) -> Reference:
    return Reference(*("", "", "", *parts)[-3:])


def call(
    name: str,
    *arguments: str | int | None,
    windowed: bool = False,
    framed: bool = False,
    distinct: bool = False,
    lambdas: int = 0,
) -> Call:
    literals = tuple(None if each is None else Literal(each) for each in arguments)
    return Call(
        Reference("", "", name),
        literals,
        windowed=windowed,
        framed=framed,
        distinct=distinct,
        lambdas=lambdas,
    )


def calling(*calls: Call) -> Statement:
    return Statement(calls=frozenset(calls))


@pytest.mark.parametrize(
    "parts", [("t",), ("main", "t"), ("lake", "main", "t"), ("LAKE", "t"), ("nope",)]
)
def test_tables_of_the_lake_and_names_not_known(parts: tuple[str, ...]) -> None:
    judge(Statement(tables=frozenset({table(*parts)})))


@pytest.mark.parametrize(
    "parts",
    [
        *(("memory", "t"), ("temp", "main", "t"), ("system", "main", "t"), ("other", "main", "t")),
        *(("information_schema", "tables"), ("PG_CATALOG", "pg_class"), ("sqlite_master",)),
        *(
            ("__ducklake_metadata_lake", "ducklake_table"),
            ("x.parquet",),
            ("a/b",),
            ("s3", "x.csv"),
        ),
        *(("s3://bucket/key",), ("http://host/x",), ("DuckDB_Databases",)),
    ],
)
def test_other_tables(parts: tuple[str, ...]) -> None:
    with pytest.raises(StatementNotAllowedError):
        judge(Statement(tables=frozenset({table(*parts)})))


def test_a_table_that_looks_like_a_path_and_is_in_the_lake() -> None:
    odd = table("main", "x.parquet")

    judge(Statement(tables=frozenset({odd})), in_lake={odd})


@pytest.mark.parametrize(
    "name",
    [
        *("s3://mine/a/*.parquet", "s3://mine/**/[0-9]?.csv.gz", "s3://mine/a%2Fb?.json"),
        *("s3://mine/a b.ndjson.zst", "s3://mine/a..b.csv", "s3://mine/?prefix=x.csv"),
    ],
)
def test_objects_are_read_by_name(name: str) -> None:
    judge(Statement(tables=frozenset({table(name)})))


@pytest.mark.parametrize(
    "name",
    [
        *("s3://mine*/a.parquet", "s3://mine/../other/a.csv", "s3://mine", "s3://mine/"),
        *("s3://mine/a.csv?s3_endpoint=host", "S3://mine/a.parquet", "s3://user@mine/a.csv"),
        *(
            "s3:///a.csv",
            "s3a://mine/a.csv",
            "s3n://mine/a.csv",
            "gcs://mine/a.csv",
            "s3:/mine/a.csv",
        ),
        *("s3://mine/a.xlsx", "s3://mine/a", "s3://MINE/a.csv", "s3://mine/./a.csv"),
        *("s3://m%69ne/a.csv", "s3://mine/a.csv&S3_endpoint=x", "s3://mine:80/a.csv"),
    ],
)
def test_what_is_no_object_is_not_read_by_name(name: str) -> None:
    with pytest.raises(StatementNotAllowedError):
        judge(Statement(tables=frozenset({table(name)})))


def read(function: str, *names: str | None, **options: OptionValue | None) -> Statement:
    return Statement(object_reads=(ObjectRead(function, names, tuple(options.items())),))


@pytest.mark.parametrize(
    "statement",
    [
        read("read_parquet", "s3://mine/a", "s3://mine/b", union_by_name=True),
        read("read_csv", "s3://mine/a.csv", delim=";", columns={"a": "DECIMAL(9, 2)[]"}),
        read("read_csv", "s3://mine/a", compression="gzip", nullstr=("", "NA"), skip=2),
        read("read_json", "s3://mine/a.json", format="array", columns={"a": {"b": "INT"}}),
        read("read_ndjson_objects", "s3://mine/*.jsonl"),
    ],
)
def test_objects_are_read_by_functions(statement: Statement) -> None:
    judge(statement)


@pytest.mark.parametrize(
    "statement",
    [
        *(read("read_csv"), read("read_csv", None), read("read_csv", "s3://mine/a", None)),
        *(read("read_csv", "/etc/passwd"), read("read_csv", "s3://mine/a", "file.csv")),
        *(read("read_csv", "s3://mine/a", filename=True), read("read_csv", "s3://mine/a", x=1)),
        read("read_csv", "s3://mine/a", store_rejects=True),
        read("read_csv", "s3://mine/a", buffer_size=2**40),
        read("read_csv", "s3://mine/a", max_line_size=2**40),
        read("read_csv", "s3://mine/a", header=None),
        read("read_csv", "s3://mine/a", columns={"a": "INT[1000000]"}),
        read("read_csv", "s3://mine/a", types=("INT'; DROP",)),
        read("read_csv", "s3://mine/a", compression="lz4"),
        read("read_csv", "s3://mine/a.csv", "s3://mine/a.csv.gz"),
        read("read_json", "s3://mine/a", maximum_depth=100_000),
        read("read_json", "s3://mine/a", maximum_object_size=2**40),
        read("read_json", "s3://mine/a", ignore_errors=True),
        read("read_parquet", "s3://mine/a", encryption_config={"footer_key": "k"}),
        read("read_parquet", "s3://mine/a", file_row_number=True),
        read("read_parquet", *(["s3://mine/a"] * 1001)),
        Statement(
            object_reads=(ObjectRead("read_csv", ("s3://m/a",), (("skip", 1), ("skip", 2))),)
        ),
    ],
)
def test_what_is_no_read_of_objects_is_refused(statement: Statement) -> None:
    with pytest.raises(StatementNotAllowedError):
        judge(statement)


@pytest.mark.parametrize(
    "function",
    [
        *(Reference("", "", "read_csv"), Reference("", "", "lake"), Reference("", "x", "range")),
        *(Reference("", "lake", "options"), Reference("lake", "main", "set_option")),
        *(Reference("system", "main", "range"), Reference("", "", "snapshots")),
    ],
)
def test_table_functions(function: Reference) -> None:
    with pytest.raises(StatementNotAllowedError):
        judge(Statement(table_functions=frozenset({function})))
    judge(Statement(table_functions=frozenset({Reference("", "main", "RANGE")})))
    judge(Statement(table_functions=frozenset({Reference("lake", "main", "snapshots")})))


def test_functions_go_by_name_and_not_by_place() -> None:
    judge(calling(call("abs"), Call(Reference("", "main", "list_value"))))
    judge(calling(Call(Reference("", "some_column", "upper"))))
    for place in ("system", "memory", "temp", "lake", "pg_catalog", "__ducklake_metadata_lake"):
        with pytest.raises(StatementNotAllowedError):
            judge(calling(Call(Reference("", place, "abs"))))
        with pytest.raises(StatementNotAllowedError):
            judge(calling(Call(Reference(place, "main", "abs"))))
    with pytest.raises(StatementNotAllowedError, match="tells of the server"):
        judge(calling(Call(Reference("", "some_column", "GetEnv"))))


def test_unknown_functions_are_told() -> None:
    assert unknown_functions(calling(call("abs"), call("getenv"), call("Mine"))) == {"mine"}


def test_columns_types_and_listings() -> None:
    for statement in (
        Statement(columns=frozenset({"filename"})),
        Statement(types=frozenset({"variant"})),
        Statement(listings=frozenset({"TABLES"})),
    ):
        with pytest.raises(StatementNotAllowedError):
            judge(statement)


@pytest.mark.parametrize(
    "size",
    [
        Size(depth=MAX_DEPTH),
        Size(cost=MAX_COST),
        Size(growth=MAX_GROWTH),
        Size(array_size=MAX_ARRAY_SIZE),
    ],
)
def test_sizes(size: Size) -> None:
    judge(Statement(size=size))

    over = {
        name: value + 1
        for name in ("depth", "cost", "growth", "array_size")
        if (value := getattr(size, name)) > 1
    }
    with pytest.raises(TooLargeError):
        judge(Statement(size=replace(size, **over)))


@pytest.mark.parametrize(
    "refused",
    [
        call("list", None, windowed=True),
        call("count", None, windowed=True, distinct=True),
        call("entropy", None, windowed=True, framed=True),
        call("format", None),
        call("format", "{:>1000}"),
        call("format", "{:>{}}"),
        call("format", "{"),
        call("printf", "%*d"),
        call("printf", "%1000d"),
        call("printf", "%.1000f"),
        call("printf", "100%"),
        call("approx_top_k", None, None),
        call("approx_top_k", None, 101),
        call("bitstring_agg", None),
        call("bitstring_agg", None, 0, None),
        call("bitstring_agg", None, 0, 100_000),
        call("reservoir_quantile", None, None, None),
        call("list_aggregate", None, None),
        call("list_aggregate", None, "mine"),
        call("json_transform", None, None),
        call("json_transform", None, "[" * 51),
        call("regexp_replace", None, None, None, "g"),
    ],
)
def test_arguments_that_are_refused(refused: Call) -> None:
    with pytest.raises(StatementNotAllowedError):
        judge(calling(refused))


@pytest.mark.parametrize(
    "good",
    [
        call("list", None),
        call("format", "{} {0:>10.2f} {{x}}"),
        call("printf", "%5.2f %s %% %-10d"),
        call("approx_top_k", None, 100),
        call("bitstring_agg", None, -5, 99_994),
        call("reservoir_quantile", None, None),
        call("list_aggregate", None, "SUM"),
        call("from_json", None, '{"a": ["INT"]}'),
        call("regexp_replace", None, "x", r"\1", "g"),
    ],
)
def test_arguments_that_are_good(good: Call) -> None:
    judge(calling(good))


@pytest.mark.parametrize(
    "made, checked",
    [
        (call("repeat", "ab", 10), False),
        (call("repeat", "ab", 10_000), True),
        (call("repeat", None, 2), True),
        (call("lpad", None, 10, "0"), False),
        (call("lpad", None, None, "0"), True),
        (call("range", MAX_MADE_LIST), False),
        (call("range", MAX_MADE_LIST + 1), True),
        (call("range", 0, 1_000_000, 1_000), False),
        (call("range", 0, 10, 0), True),
        (call("range", None), True),
        (call("replace", None, "a", "bc"), False),
        (call("replace", None, "a", None), True),
        (call("contains", None, "needle"), False),
        (call("contains", None, None), True),
        (call("~~", None, "%a%b%c%"), False),
        (call("~~", None, "%a_%b%c%"), True),
        (call("~~*", None, "%a%"), False),
        (call("~~*", None, "%a%b%"), True),
        (call("~~", None, None), True),
        (call("list_transform", None, None), True),
        (call("list_sort", None), False),
        (call("abs", None), False),
    ],
)
def test_what_is_checked_while_it_runs(made: Call, *, checked: bool) -> None:
    assert is_checked(made, long_values=False) is checked
    assert is_checked(call("list_sort", None), long_values=True)


def test_how_much_longer_a_replacement_makes_a_text() -> None:
    assert replacing_factor(call("replace", None, "a", "bcd")) == 3
    assert replacing_factor(call("replace", None, "abc", "d")) == 1
    assert replacing_factor(call("replace", None, "a", "x" * 17)) is None
    assert replacing_factor(call("replace", None, None, "x")) is None
    assert replacing_factor(call("regexp_replace", None, "a", r"\1")) == 1
    assert replacing_factor(call("regexp_replace", None, "a", r"\1\1\1")) == 3
    assert replacing_factor(call("regexp_replace", None, "a", "xyz", "g")) == 4
    assert replacing_factor(call("regexp_replace", None, "a", None)) is None


def test_how_long_a_list_may_be_for_its_lambda() -> None:
    simple = calling(call("list_transform", None, None))
    heavy = replace(simple, size=Size(lambda_weight=100))
    nested = calling(call("list_transform", None, None, lambdas=1))
    with_inner = calling(call("list_transform", None, None), call("range", None, lambdas=1))
    deep = calling(call("list_transform", None, None, lambdas=2))

    assert checked_list_limit(Statement()) is None
    assert checked_list_limit(simple) == MAX_LIST_WORK
    assert checked_list_limit(heavy) == MAX_LIST_WORK // 100
    assert checked_list_limit(nested) == checked_list_limit(with_inner) == int(MAX_LIST_WORK**0.5)
    with pytest.raises(StatementNotAllowedError):
        checked_list_limit(deep)
    with pytest.raises(StatementNotAllowedError):
        checked_list_limit(replace(simple, selects_columns_by_lambda=True))
