"""Objects of the datasets in SQL: on every lake by the same names, exactly, and nothing else."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Iterator
from contextlib import closing, suppress

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adapters.ducklake.objects.csv_lines import MAX_CSV_LINE_BYTES
from domain.datasets import BucketName
from domain.errors import (
    BucketNotFoundError,
    InvalidSqlError,
    InvalidValueError,
    LakehouseError,
    MalformedObjectError,
    ObjectChangedError,
    ObjectNotFoundError,
    StatementNotAllowedError,
    TooLargeError,
)
from domain.formats import DataFormat
from domain.ports.datasets import DatasetPort
from domain.ports.queries import QueryPort
from domain.queries import Query, ResultEncoding
from domain.tables import TableName
from tests.contract.dataset_cases import fresh_bucket, put
from tests.contract.lakes import OpenedLake, on_lakes_that_run_sql
from tests.contract.query_cases import ask, read
from tests.contract.table_cases import column, create
from tests.integration.hostile_parquet import HOSTILE

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

pytestmark = on_lakes_that_run_sql

ODD_NAMES = (
    *("a b.csv", "a%20b.csv", "a+b.csv", "a#b.csv", "a?b.csv", "a*b.csv", "a[b].csv", "a{b}.csv"),
    *("a'b\"c.csv", "ü/日本.csv", "a..b/c..csv", "x=1/y=a%2Fb/z.csv", "a&b=c;d,e:@$!~.csv"),
    *("a\u0301.csv", "á.csv", "A B.csv", "--.csv", "a;DROP TABLE t.csv", "%2e%2e.csv", "$1.csv"),
)
MAX_TOLD = 2_100
"""Characters of what is told of an error, whatever the object or the statement holds."""

JSON_ROWS = b'{"a":1,"b":"x"}\n{"a":2,"b":"y"}\n'
CSV_ROWS = b"a,b\n1,x\n2,y\n"
ROWS = [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


def parquet(**columns: list[object]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, row_group_size=2048)
    return out.getvalue()


@pytest.fixture
def datasets(lake: OpenedLake) -> DatasetPort:
    return lake.datasets


@pytest.fixture
def bucket(datasets: DatasetPort) -> Iterator[BucketName]:
    with fresh_bucket(datasets) as name:
        yield name


def quoted(name: str) -> str:
    escaped = name.replace("'", "''")
    return f"'{escaped}'"


@pytest.mark.parametrize(
    "name, content",
    [
        ("r.parquet", parquet(a=[1, 2], b=["x", "y"])),
        ("r.csv", CSV_ROWS),
        ("r.tsv", CSV_ROWS.replace(b",", b"\t")),
        ("r.csv.gz", gzip.compress(CSV_ROWS[:8]) + gzip.compress(CSV_ROWS[8:])),
        ("r.csv.zst", zstd.compress(CSV_ROWS[:8]) + zstd.compress(CSV_ROWS[8:])),
        ("r.ndjson", JSON_ROWS),
        ("r.jsonl.gz", gzip.compress(JSON_ROWS)),
        ("r.json.zst", zstd.compress(JSON_ROWS)),
        ("r.json", b"[" + JSON_ROWS.strip().replace(b"\n", b",") + b"]"),
    ],
    ids=["parquet", "csv", "tsv", "csv.gz", "csv.zst", "ndjson", "jsonl.gz", "json.zst", "json"],
)
def test_objects_of_each_format_are_read(
    queries: QueryPort, datasets: DatasetPort, bucket: BucketName, name: str, content: bytes
) -> None:
    put(datasets, bucket, name, content)
    answer = ask(queries, f"FROM 's3://{bucket}/{name}'")
    assert answer.rows == ROWS
    (found,) = answer.result.objects
    assert (str(found.ref), found.size) == (f"{bucket}/{name}", len(content))


def test_objects_of_odd_names_are_read_exactly(
    queries: QueryPort, datasets: DatasetPort, bucket: BucketName
) -> None:
    for number, name in enumerate(ODD_NAMES):
        put(datasets, bucket, name, f"n\n{number}\n".encode())
    for number, name in enumerate(ODD_NAMES):
        whole = quoted(f"s3://{bucket}/{name}")
        assert ask(queries, f"SELECT n FROM {whole}").value == number, name
        assert ask(queries, f"SELECT n FROM read_csv({whole}, header = true)").value == number


def test_patterns_find_objects(
    queries: QueryPort, datasets: DatasetPort, bucket: BucketName
) -> None:
    for year in (2023, 2024):
        for month in (1, 2):
            content = parquet(v=[year * 100 + month])
            put(datasets, bucket, f"y={year}/m={month}/data.parquet", content)
    put(datasets, bucket, "y=2024/note.txt", b"no Parquet")

    def values(pattern: str) -> list[int]:
        sql = f"SELECT v FROM 's3://{bucket}/{pattern}' ORDER BY v"
        return [row["v"] for row in ask(queries, sql).rows]

    assert values("**/*.parquet") == [202301, 202302, 202401, 202402]
    assert values("y=2024/*/*.parquet") == [202401, 202402]
    assert values("y=202[3]/m=?/data.parquet") == [202301, 202302]
    columns = ask(queries, f"SELECT y, m, v FROM 's3://{bucket}/**/*.parquet' WHERE v = 202402")
    assert columns.rows == [{"y": 2024, "m": 2, "v": 202402}]
    names = f"['s3://{bucket}/y=2023/m=1/data.parquet', 's3://{bucket}/y=2024/**/d*.parquet']"
    assert ask(queries, f"SELECT count(*) FROM read_parquet({names})").value == 3


def test_objects_join_tables(
    lake: OpenedLake, datasets: DatasetPort, bucket: BucketName, name: TableName
) -> None:
    create(lake.tables, name, column("k", "BIGINT"), column("label", "VARCHAR"))
    lake.as_another_client(f"INSERT INTO lake.{name} VALUES (1, 'one'), (2, 'two')")
    put(datasets, bucket, "o.csv", b"k,v\n1,10\n1,11\n2,20\n3,30\n")
    sql = f"""
        WITH objects AS (FROM 's3://{bucket}/o.csv')
        SELECT label, (SELECT sum(o.v) FROM read_csv('s3://{bucket}/o.csv') o WHERE o.k = t.k) AS s
        FROM {name} t JOIN (SELECT DISTINCT k FROM objects) USING (k) ORDER BY label
    """
    answer = ask(lake.queries, sql)
    assert answer.rows == [{"label": "one", "s": 21}, {"label": "two", "s": 20}]
    assert answer.result.tables == (name,)
    assert [str(each.ref) for each in answer.result.objects] == [f"{bucket}/o.csv"]


@pytest.mark.parametrize(
    "sql",
    [
        *("DESCRIBE '{}'", "SUMMARIZE '{}'", "EXPLAIN FROM '{}'", "PIVOT '{}' ON b USING sum(a)"),
        *("FROM read_csv('{}') PIVOT (sum(a) FOR b IN ('x'))", "FROM (FROM '{}'), '{}' AS z"),
        *("PIVOT read_csv('{}') ON b USING sum(a)", "SELECT read_csv.a FROM read_csv('{}')"),
        "SELECT x FROM read_csv ( '{}' /* one */, delim := ',' ) AS t(x, y)",
    ],
)
def test_objects_stand_wherever_a_table_does(
    queries: QueryPort, datasets: DatasetPort, bucket: BucketName, sql: str
) -> None:
    put(datasets, bucket, "o.csv", CSV_ROWS)
    answer = ask(queries, sql.replace("{}", f"s3://{bucket}/o.csv"))
    assert answer.rows
    assert b"/object" not in answer.body


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT x.a FROM '{b}/x.csv'",
        "FROM '{b}/x.csv' SELECT X.* EXCLUDE (b)",
        "SELECT x.a FROM '{b}/x.csv' /* it's */ WHERE x.b = 'y' ORDER BY x.a",
        "SELECT x.a FROM '{b}/x.csv' TABLESAMPLE 100%",
        "SELECT x.a FROM '{b}/x.csv', '{b}/d/x.csv' y WHERE x.a = y.a",
        "SELECT (SELECT max(x.a) FROM '{b}/d/x.csv') AS a FROM '{b}/x.csv' WHERE x.b = 'y'",
        "SELECT a FROM '{b}/x.csv' JOIN '{b}/d/x.csv' USING (a)",
        "SELECT \"it's--a b\".a FROM '{b}/it''s--a b.csv'",
        "SELECT x.a FROM '{b}/d/x.csv' x, '{b}/x.csv'",
        "WITH x AS (SELECT 2 AS a) SELECT x.a FROM x, '{b}/x.csv'",
        "SELECT \"{b}/x.csv\".a FROM '{b}/x.csv'",
    ],
)
def test_objects_are_called_as_files_are(
    queries: QueryPort, datasets: DatasetPort, bucket: BucketName, sql: str
) -> None:
    for name in ("x.csv", "d/x.csv", "it's--a b.csv"):
        put(datasets, bucket, name, b"a,b\n2,y\n")
    answer = ask(queries, sql.replace("{b}", f"s3://{bucket}"))
    assert answer.rows == [{"a": 2}]


def test_of_two_of_one_name_neither_is_called_so(
    queries: QueryPort, datasets: DatasetPort, bucket: BucketName
) -> None:
    for name in ("x.csv", "d/x.csv"):
        put(datasets, bucket, name, CSV_ROWS)
    with pytest.raises(InvalidSqlError, match='"x" not found'):
        ask(queries, f"SELECT x.a FROM 's3://{bucket}/x.csv', 's3://{bucket}/d/x.csv'")


def test_options_say_how_to_read(
    queries: QueryPort, datasets: DatasetPort, bucket: BucketName
) -> None:
    put(datasets, bucket, "odd", b"# note\nx;1,5\n-;2,5\n")
    options = "header = false, delim = ';', skip = 1, decimal_separator = ',', nullstr = ['-']"
    sql = f"FROM read_csv('s3://{bucket}/odd', columns = {{'k': 'TEXT', 'v': 'DOUBLE'}}, {options})"
    assert ask(queries, sql).rows == [{"k": "x", "v": 1.5}, {"k": None, "v": 2.5}]
    put(datasets, bucket, "packed", gzip.compress(JSON_ROWS))
    sql = f"FROM read_json('s3://{bucket}/packed', compression = 'gzip')"
    assert ask(queries, sql).rows == ROWS


def test_an_object_that_was_replaced_is_read_as_it_is_now(
    queries: QueryPort, datasets: DatasetPort, bucket: BucketName
) -> None:
    for number in range(3):
        # Of one size, and soon after each other.
        put(datasets, bucket, "o.parquet", parquet(v=[number] * 5000))
        put(datasets, bucket, "o.csv", f"v\n{number}\n".encode())
        sql = f"SELECT DISTINCT v FROM 's3://{bucket}/o.parquet'"
        assert ask(queries, sql).value == number
        assert ask(queries, f"SELECT v FROM 's3://{bucket}/o.csv'").value == number


def test_a_replacement_while_it_is_read_mixes_no_rows(
    queries: QueryPort, datasets: DatasetPort, bucket: BucketName
) -> None:
    def content(value: int) -> bytes:
        return parquet(v=[value] * 400_000, w=[str(number) for number in range(400_000)])

    put(datasets, bucket, "o.parquet", content(1))
    query = Query(f"FROM 's3://{bucket}/o.parquet'")
    seen = b""
    with closing(queries.open(query, ResultEncoding(DataFormat.CSV))) as result:
        chunks = iter(result)
        seen += next(chunks)
        put(datasets, bucket, "o.parquet", content(2))
        # A store that keeps the old object for its readers has nothing to tell them.
        with suppress(ObjectChangedError):
            for chunk in chunks:
                seen += chunk
    assert {line[:2] for line in seen.split(b"\n")[1:-1]} <= {b"1,"}


@pytest.mark.parametrize(
    "name, content, error",
    [
        ("html.parquet", b"<html>" + b"x" * 100 + b"</html>", MalformedObjectError),
        ("tiny.parquet", b"PAR1", MalformedObjectError),
        ("torn.parquet", parquet(a=[1])[:-60] + parquet(a=[1])[-8:], MalformedObjectError),
        ("damaged.parquet", b"PAR1" + b"\xff" * 40 + parquet(a=[1])[44:], MalformedObjectError),
        ("empty.csv", b"", MalformedObjectError),
        ("empty.json", b"", MalformedObjectError),
        ("plain.csv.gz", CSV_ROWS, MalformedObjectError),
        ("short.csv.gz", gzip.compress(CSV_ROWS * 10_000)[:-20], MalformedObjectError),
        ("short.json.zst", zstd.compress(JSON_ROWS * 10_000)[:-20], MalformedObjectError),
        ("bad.json", b'{"a":1}\n{"a":\n', MalformedObjectError),
        ("late.csv", b"a\n" + b"1\n" * 50_000 + b"x" * 50_000 + b"\n", MalformedObjectError),
        ("deep.json", b"[" * 50_000 + b"]" * 50_000, TooLargeError),
        ("deep.json.gz", gzip.compress(b'{"a":' * 9**6 + b"1" + b"}" * 9**6), TooLargeError),
        ("bomb.csv.gz", gzip.compress(b"1\n" * (150 * 1024**2)), TooLargeError),
        ("wide.csv", b"," * 100_000 + b"\n", TooLargeError),
        # Of the next two the engine would give all rows but the last, and say nothing.
        ("long.csv", b"a,b\n" + b"x,1\n" * 50_000 + b"y" * 5_000_000 + b",1\n", TooLargeError),
        ("long.csv.gz", gzip.compress(b"a\n" * 50_000 + b"y" * 5_000_000), TooLargeError),
        ("one.csv", b"x" * 5_000_000, TooLargeError),
        ("inside.csv", b"a\n" * 50_000 + b"y" * 5_000_000 + b"\na\n", TooLargeError),
    ],
)
def test_objects_that_cannot_be_read_are_told_by_name(
    queries: QueryPort,
    datasets: DatasetPort,
    bucket: BucketName,
    name: str,
    content: bytes,
    error: type[LakehouseError],
) -> None:
    put(datasets, bucket, name, content)
    with pytest.raises(error) as raised:
        ask(queries, f"FROM 's3://{bucket}/{name}'")
    assert f"s3://{bucket}/{name}" in raised.value.detail
    assert "/object" not in raised.value.detail
    assert ".located" not in raised.value.detail
    assert len(raised.value.detail) < MAX_TOLD
    assert ask(queries, "SELECT 1").value == 1


@pytest.mark.parametrize("what", HOSTILE)
def test_no_object_ends_the_engine(
    queries: QueryPort, datasets: DatasetPort, bucket: BucketName, what: str
) -> None:
    put(datasets, bucket, "hostile.parquet", HOSTILE[what].written())

    for _ in range(2):
        with pytest.raises((MalformedObjectError, InvalidValueError)):
            ask(queries, f"FROM 's3://{bucket}/hostile.parquet'")
        assert ask(queries, "SELECT 1").value == 1


def test_the_object_that_does_not_fit_the_others_is_told(
    queries: QueryPort, datasets: DatasetPort, bucket: BucketName
) -> None:
    put(datasets, bucket, "o", parquet(a=[1]))
    put(datasets, bucket, "o.parquet", parquet(b=["x"]))
    with pytest.raises(MalformedObjectError) as raised:
        ask(queries, f"FROM read_parquet('s3://{bucket}/o*')")
    assert raised.value.detail.startswith(f"s3://{bucket}/o.parquet ")


def test_lines_may_be_long(queries: QueryPort, datasets: DatasetPort, bucket: BucketName) -> None:
    longest = b"y" * (MAX_CSV_LINE_BYTES - 10)
    for name, end, last in (
        ("o.csv", b"\n", b"\n"),
        ("cr.csv", b"\r\n", b"\r\n"),
        ("n.csv", b"\n", b""),
    ):
        rows = b"a,b" + end + (b"x,1" + end) * 50_000 + longest + b",1" + last
        put(datasets, bucket, name, rows)
        sql = f"SELECT count(*), max(length(a)) FROM 's3://{bucket}/{name}'"
        (row,) = ask(queries, sql).rows
        assert list(row.values()) == [50_001, len(longest)]


def test_errors_tell_their_place(
    queries: QueryPort, datasets: DatasetPort, bucket: BucketName
) -> None:
    put(datasets, bucket, "o.csv", CSV_ROWS)
    for before in (
        "SELECT 'ü', ",
        f"SELECT (SELECT max(a) FROM read_csv('s3://{bucket}/o.csv')), ",
    ):
        sql = f"{before}nosuch FROM read_csv('s3://{bucket}/o.csv', header = true)"
        with pytest.raises(InvalidSqlError) as raised:
            ask(queries, sql)
        assert raised.value.position == len(before)


def test_what_is_not_there_is_not_found(
    queries: QueryPort, datasets: DatasetPort, bucket: BucketName
) -> None:
    put(datasets, bucket, "a/o.csv", CSV_ROWS)
    for name in ("o.csv", "a/O.csv", "a/o.csv/x.csv", "*.csv", "a%2Fo.csv", "a//o.csv"):
        with pytest.raises(ObjectNotFoundError):
            ask(queries, f"FROM 's3://{bucket}/{name}'")
    for other in ("no-such-bucket-here", "data"):
        with pytest.raises(BucketNotFoundError):
            ask(queries, f"FROM 's3://{other}/**/*.parquet'")


def test_the_lakes_own_bucket_is_no_dataset(lake: OpenedLake, name: TableName) -> None:
    create(lake.tables, name, column("k", "BIGINT"))
    lake.as_another_client(f"INSERT INTO lake.{name} SELECT * FROM range(1000)")
    location = lake.tables.describe(name).location.removeprefix("s3://")
    for pattern in (f"{location}*.parquet", f"{location}**/*.parquet", f"{location}x.parquet"):
        own = pattern if "/" in pattern.strip("/") else f"data/{pattern}"
        with pytest.raises((BucketNotFoundError, StatementNotAllowedError)):
            ask(lake.queries, f"FROM read_parquet('s3://{own}')")


def test_names_that_differ_in_case_alone_are_not_mixed_up(
    queries: QueryPort, datasets: DatasetPort, bucket: BucketName
) -> None:
    put(datasets, bucket, "o.csv", b"v\n1\n")
    put(datasets, bucket, "O.csv", b"v\n2\n")
    one, other = f"'s3://{bucket}/o.csv'", f"'s3://{bucket}/O.csv'"
    with pytest.raises(InvalidSqlError):
        ask(queries, f"FROM {one} UNION ALL FROM {other}")
    both = ask(queries, f"FROM {one} UNION ALL FROM read_csv({other})").rows
    assert both == [{"v": 1}, {"v": 2}]


def test_a_result_that_is_closed_lets_go_of_its_objects(
    lake: OpenedLake, datasets: DatasetPort, bucket: BucketName
) -> None:
    put(datasets, bucket, "o.csv", CSV_ROWS)
    put(datasets, bucket, "o.json", JSON_ROWS)
    sql = f"FROM 's3://{bucket}/o.csv', 's3://{bucket}/o.json'"
    assert len(read(lake.queries, Query(sql)).rows) == 4
    with pytest.raises(InvalidSqlError):
        ask(lake.queries, f"SELECT nosuch {sql}")
    # The temporary views go with the transaction.
    with pytest.raises(InvalidSqlError):
        ask(lake.queries, 'FROM "s3:0"')
