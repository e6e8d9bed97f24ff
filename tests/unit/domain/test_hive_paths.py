"""Columns that the directories of a path tell of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidPartitionError
from domain.hive_paths import NULL_IN_PATH, columns_in_path, value_in_path


@pytest.mark.parametrize(
    "path, columns",
    [
        ("x.csv", []),
        ("a=1", []),
        ("plain/a=1/b=%41/x=2.csv", [("a", "1"), ("b", "%41")]),
        ("a=1/between/a=2/x", [("a", "1"), ("a", "2")]),
        ("a=/b==/=c/%41=d/x", [("a", ""), ("b", "="), ("%41", "d")]),
    ],
)
def test_the_columns_of_a_path(path: str, columns: list[tuple[str, str]]) -> None:
    assert list(columns_in_path(path)) == columns


@pytest.mark.parametrize(
    "written, value",
    [
        ("", ""),
        (NULL_IN_PATH, None),
        (f"%5F{NULL_IN_PATH[1:]}", NULL_IN_PATH),
        (NULL_IN_PATH.lower(), NULL_IN_PATH.lower()),
        ("NULL", "NULL"),
        ("a%2fb%2Fc", "a/b/c"),
        ("Zo%C3%AB+x", "Zoë+x"),
        ("100%", "100%"),
        ("%4%zz%41", "%4%zzA"),
    ],
)
def test_a_value(written: str, value: str | None) -> None:
    assert value_in_path(written) == value


@pytest.mark.parametrize("written", ["%FF", "%C3", "a%C3%28", "%00", "a%E2%82b"])
def test_what_is_no_text(written: str) -> None:
    with pytest.raises(InvalidPartitionError):
        value_in_path(written)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(written: str) -> None:
    try:
        value_in_path(written)
    except InvalidPartitionError:
        assert "%" in written or "\0" in written
