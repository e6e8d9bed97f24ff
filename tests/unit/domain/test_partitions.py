"""Rows divided by columns: the names of their objects."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import (
    InvalidBucketNameError,
    InvalidObjectNameError,
    InvalidPartitionError,
)
from domain.formats import DataFormat
from domain.hive_paths import value_in_path
from domain.partitions import MAX_KEYS, Partition, PartitionedPlace, check_keys

PLACE = PartitionedPlace.parse("exports/2013/")
NULL = "__HIVE_DEFAULT_PARTITION__"


def name_of(*values: str | None, prefix: str = "exports/2013/") -> str:
    keys = [f"k{number}" for number in range(len(values))]
    ref = PartitionedPlace.parse(prefix).object_of(keys, Partition(values, 1), DataFormat.CSV)
    return str(ref.name)


@pytest.mark.parametrize(
    "value, segment",
    [
        ("7", "7"),
        ("2013-07-01 12:00:00", "2013-07-01 12%3A00%3A00"),
        ("a/b=c%d", "a%2Fb%3Dc%25d"),
        ("*?[x]{y}^'\"#\\", "%2A%3F%5Bx%5D%7By}%5E%27%22%23%5C"),
        ("Zoë +", "Zoë +"),
        ("<a&b>", "%3Ca%26b%3E"),
        ("", ""),
        (".", "."),
        ("\x01\x85", "%01%C2%85"),
        (None, NULL),
        ("NULL", "%4EULL"),
        ("null", "%6Eull"),
        ("nullable", "nullable"),
        (NULL, f"%5F{NULL[1:]}"),
        (NULL.lower(), f"%5F{NULL[1:].lower()}"),
    ],
)
def test_a_value_in_a_path(value: str | None, segment: str) -> None:
    assert name_of(value) == f"2013/k0={segment}/part-0.csv"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50))
def test_a_value_is_read_back_from_its_path(value: str) -> None:
    segment = name_of(value).removeprefix("2013/k0=").removesuffix("/part-0.csv")
    assert "/" not in segment
    assert segment.upper() not in {"NULL", NULL}
    assert unquote(segment, errors="strict") == value
    assert value_in_path(segment) == value


def test_several_columns_and_no_prefix() -> None:
    assert name_of("a", None, prefix="exports/") == f"k0=a/k1={NULL}/part-0.csv"


@pytest.mark.parametrize("values", [("x" * 253,), ("ä" * 127,), ("x" * 240,) * 5])
def test_names_that_not_every_store_holds(values: tuple[str, ...]) -> None:
    with pytest.raises(InvalidPartitionError):
        name_of(*values)


@pytest.mark.parametrize("text", ["exports/a/b", "exports/a/b/"])
def test_a_slash_at_the_end_says_nothing(text: str) -> None:
    assert PartitionedPlace.parse(text).prefix == "a/b/"
    assert str(PartitionedPlace.parse(text)) == "exports/a/b/"


@pytest.mark.parametrize(
    "text, error",
    [
        ("exports", InvalidObjectNameError),
        ("exports/a//", InvalidObjectNameError),
        ("exports//", InvalidObjectNameError),
        ("exports/../a", InvalidObjectNameError),
        ("NO/a", InvalidBucketNameError),
    ],
)
def test_places_that_are_none(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        PartitionedPlace.parse(text)


@pytest.mark.parametrize(
    "keys",
    [(), ("a", "A"), ("a=b",), ("a/b",), ("",), ("a%",), tuple(map(str, range(MAX_KEYS + 1)))],
)
def test_columns_that_divide_nothing(keys: tuple[str, ...]) -> None:
    with pytest.raises(InvalidPartitionError):
        check_keys(keys)


@pytest.mark.parametrize(
    "name, own",
    [
        ("2013/a=1/b=2/part-0.csv", True),
        ("2013/A=1/b=/part-12.csv", True),
        ("2013/a=1/b=2/part-0.csv.gz", False),
        ("2013/a=1/b=2/part-0.parquet", False),
        ("2013/a=1/b=2/part-x.csv", False),
        ("2013/a=1/b=2/more/part-0.csv", False),
        ("2013/b=1/a=2/part-0.csv", False),
        ("2013/a=1/part-0.csv", False),
        ("2013/a/b/part-0.csv", False),
        ("2014/a=1/b=2/part-0.csv", False),
        ("2013/part-0.csv", False),
    ],
)
def test_what_an_export_takes_for_its_own(name: str, own: bool) -> None:
    assert PLACE.holds(("a", "b"), name, DataFormat.CSV) is own
