"""`ducklake tables export` on fakes."""

from __future__ import annotations

from contextlib import closing

from domain.datasets import BucketName, ObjectName, ObjectRef
from tests.integration.cli.conftest import Command


def table(ducklake: Command) -> None:
    ducklake.json("tables", "create", "t", "--column", "a INTEGER", "--format", "json")
    ducklake.json(
        *("tables", "append", "t", "-", "--input-format", "csv", "--format", "json"),
        stdin="a\n1\n2\n",
    )
    ducklake.datasets.create_bucket(BucketName("exports"))


def content(ducklake: Command, name: str) -> bytes:
    ref = ObjectRef(BucketName("exports"), ObjectName(name))
    with closing(ducklake.datasets.open_object(ref)) as opened:
        return b"".join(opened.read())


def test_export_by_the_keys_ending(ducklake: Command) -> None:
    table(ducklake)
    told = ducklake.json("tables", "export", "t", "exports/a.ndjson", "--format", "json")
    assert (told["bucket"], told["name"]) == ("exports", "a.ndjson")
    assert content(ducklake, "a.ndjson") == b'{"a":1}\n{"a":2}\n'


def test_export_in_a_format_that_is_said(ducklake: Command) -> None:
    table(ducklake)
    done = ducklake("tables", "export", "t", "s3://exports/a", "--object-format", "csv")
    assert done.exit_code == 0, done.output
    assert content(ducklake, "a") == b"a\n1\n2\n"


def test_export_of_a_format_that_is_not_told(ducklake: Command) -> None:
    done = ducklake("tables", "export", "t", "exports/a")
    assert done.exit_code == 2
    assert "--object-format" in done.stderr


def test_no_format_is_offered_that_is_not_read(ducklake: Command) -> None:
    for arguments in (("load", "t", "exports/a"), ("create", "t", "--from-object", "exports/a")):
        done = ducklake("tables", *arguments, "--object-format", "arrow")
        assert done.exit_code == 2
        assert "parquet" in done.stderr


def test_export_only_where_nothing_is(ducklake: Command) -> None:
    table(ducklake)
    arguments = ("tables", "export", "t", "exports/a.csv", "--if-none-match")
    assert ducklake(*arguments).exit_code == 0
    again = ducklake(*arguments)
    assert again.exit_code != 0
    assert "already" in again.stderr


def test_export_by_a_column(ducklake: Command) -> None:
    ducklake.json(
        *("tables", "create", "t", "--column", "a INTEGER", "--column", "k VARCHAR"),
        *("--format", "json"),
    )
    ducklake.json(
        *("tables", "append", "t", "-", "--input-format", "csv", "--format", "json"),
        stdin="a,k\n1,x\n2,y\n",
    )
    ducklake.datasets.create_bucket(BucketName("exports"))
    arguments = ("tables", "export", "t", "s3://exports/p/", "--partition-by", "k")

    told = ducklake.json(*arguments, "--object-format", "csv", "--format", "json")

    assert [each["name"] for each in told["objects"]] == ["p/k=x/part-0.csv", "p/k=y/part-0.csv"]
    assert content(ducklake, "p/k=x/part-0.csv") == b"a\n1\n"
    again = ducklake(*arguments, "--object-format", "csv", "--format", "table")
    assert "2 rows to 2 objects under exports/p/" in again.output
    only_new = ducklake(*arguments, "--object-format", "csv", "--if-none-match")
    assert "already" in only_new.stderr
    untold = ducklake(*arguments)
    assert untold.exit_code == 2
    assert "--object-format" in untold.stderr
