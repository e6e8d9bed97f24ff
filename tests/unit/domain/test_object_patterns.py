"""Which names a pattern stands for."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidError, UnsupportedFormatError
from domain.file_formats import Compression, FileFormat
from domain.formats import DataFormat
from domain.object_patterns import ObjectPattern

NAMES = st.text(st.sampled_from("ab/*?[]!-.%"), min_size=1, max_size=12)


def pattern(text: str) -> ObjectPattern:
    return ObjectPattern.parse(f"bucket/{text}")


@pytest.mark.parametrize(
    "text, matching, others",
    [
        ("a.csv", ["a.csv"], ["A.csv", "a-csv", "x/a.csv", "a.csv/x"]),
        ("*.csv", ["a.csv", ".csv", "a b.csv"], ["x/a.csv", "a.csv.gz"]),
        ("?.csv", ["a.csv", "ü.csv"], ["ab.csv", ".csv", "/.csv"]),
        ("[ab].csv", ["a.csv", "b.csv"], ["c.csv", "ab.csv"]),
        ("[a-c]x", ["ax", "bx", "cx"], ["dx"]),
        ("[!a]x", ["bx"], ["ax"]),
        ("a[*]b", ["a*b"], ["axb", "ab"]),
        ("a/*/c", ["a/b/c"], ["a/c", "a/b/b/c"]),
        ("a/**/c", ["a/c", "a/b/c", "a/b/b/c"], ["a/b", "b/c", "ac"]),
        ("**/c", ["c", "a/c", "a/b/c"], ["xc", "c/a"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "b/a"]),
        ("**/x/**/y", ["x/y", "a/x/b/x/y", "x/x/y"], ["y/x", "x"]),
        ("year=*/[0-9]*.parquet", ["year=1/2.parquet"], ["year=1/x.parquet"]),
    ],
)
def test_a_pattern_matches(text: str, matching: list[str], others: list[str]) -> None:
    assert [name for name in matching + others if pattern(text).matches(name)] == matching


@given(NAMES, NAMES)
def test_what_matches_begins_with_the_prefix(text: str, name: str) -> None:
    try:
        wanted = pattern(text)
    except InvalidError:
        return
    if wanted.matches(name):
        assert name.startswith(wanted.prefix)
    if not wanted.has_wildcards:
        assert wanted.matches(name) == (text == name)


def test_no_pattern_takes_long() -> None:
    began = time.perf_counter()
    assert not pattern("*a" * 250).matches("a" * 249)
    assert not pattern("**/a/" * 100 + "b").matches("a/" * 300 + "c")
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    "text", ["", "bucket", "bucket/", "B/x", "bucket/../x", "bucket/a\n", "/x"]
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidError):
        ObjectPattern.parse(text)


@pytest.mark.parametrize(
    "name, expected",
    [
        ("a.parquet", FileFormat(DataFormat.PARQUET)),
        ("A.PARQUET", FileFormat(DataFormat.PARQUET)),
        ("a/*.csv", FileFormat(DataFormat.CSV)),
        ("a.tsv.gz", FileFormat(DataFormat.CSV, Compression.GZIP)),
        ("a.csv.zst", FileFormat(DataFormat.CSV, Compression.ZSTD)),
        ("a.json", FileFormat(DataFormat.JSON)),
        ("a.jsonl.gz", FileFormat(DataFormat.NDJSON, Compression.GZIP)),
        ("a.ndjson", FileFormat(DataFormat.NDJSON)),
    ],
)
def test_a_format_goes_by_the_name(name: str, expected: FileFormat) -> None:
    assert FileFormat.of_name(name) == expected


@pytest.mark.parametrize("name", ["a", "a.xlsx", "a.parquet.gz", "csv", "a.csv/b", "a/**"])
def test_a_name_of_no_format_is_refused(name: str) -> None:
    with pytest.raises(UnsupportedFormatError):
        FileFormat.of_name(name)
