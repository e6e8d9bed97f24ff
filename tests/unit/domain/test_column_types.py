from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.column_types import (
    INTEGER_BOUNDS,
    MAX_TYPE_DEPTH,
    MAX_TYPE_LENGTH,
    ColumnType,
    DecimalType,
    ListType,
    MapType,
    OpaqueType,
    ScalarKind,
    ScalarType,
    StructField,
    StructType,
    parse_column_type,
    read_column_type,
)
from domain.errors import InvalidColumnError


def decimals() -> st.SearchStrategy[ColumnType]:
    return st.integers(1, 38).flatmap(
        lambda precision: st.builds(DecimalType, st.just(precision), st.integers(0, precision))
    )


FIELD_NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=8
)


def structs(parts: st.SearchStrategy[ColumnType]) -> st.SearchStrategy[ColumnType]:
    names = st.lists(FIELD_NAMES, min_size=1, max_size=4, unique_by=str.casefold)
    return names.flatmap(
        lambda chosen: st.tuples(*(st.builds(StructField, st.just(n), parts) for n in chosen))
    ).map(StructType)


TYPES = st.recursive(
    st.one_of(st.builds(ScalarType, st.sampled_from(ScalarKind)), decimals()),
    lambda parts: st.one_of(
        st.builds(ListType, parts), st.builds(MapType, parts, parts), structs(parts)
    ),
    max_leaves=6,
)


@given(TYPES)
def test_types_read_back_what_they_write(column_type: ColumnType) -> None:
    assert parse_column_type(str(column_type)) == column_type
    assert read_column_type(str(column_type)) == column_type


@given(st.text(max_size=50))
def test_any_text_is_a_type_or_a_clear_error(text: str) -> None:
    try:
        parsed = parse_column_type(text)
    except InvalidColumnError:
        assert read_column_type(text) == OpaqueType(text)
    else:
        assert parse_column_type(str(parsed)) == parsed


@given(st.text('STRUCTMAP(),[] "axyINT1DECIMAL', max_size=40))
def test_text_that_looks_like_a_type(text: str) -> None:
    try:
        parsed = parse_column_type(text)
    except InvalidColumnError:
        return
    assert parse_column_type(str(parsed)) == parsed


@pytest.mark.parametrize(
    "text, written",
    [
        ("int", "INTEGER"),
        (" Integer ", "INTEGER"),
        ("STRING", "VARCHAR"),
        ("text", "VARCHAR"),
        ("VARCHAR(10)", "VARCHAR"),
        ("varchar ( 10 )", "VARCHAR"),
        ("double precision", "DOUBLE"),
        ("float8", "DOUBLE"),
        ("real", "FLOAT"),
        ("int8", "BIGINT"),
        ("timestamptz", "TIMESTAMP WITH TIME ZONE"),
        ("timestamp  with\ttime zone", "TIMESTAMP WITH TIME ZONE"),
        ("timestamp without time zone", "TIMESTAMP"),
        ("datetime", "TIMESTAMP"),
        ("timetz", "TIME WITH TIME ZONE"),
        ("time", "TIME"),
        ("bytea", "BLOB"),
        ("DECIMAL", "DECIMAL(18,3)"),
        ("NUMERIC(9)", "DECIMAL(9,0)"),
        ("dec( 9 , 2 )", "DECIMAL(9,2)"),
        ("int[]", "INTEGER[]"),
        ("int [ ] []", "INTEGER[][]"),
        ("struct(a int, b text)", "STRUCT(a INTEGER, b VARCHAR)"),
        ('STRUCT("a b" INT)', 'STRUCT("a b" INTEGER)'),
        ('STRUCT("a" INT)', "STRUCT(a INTEGER)"),
        ("map(text, struct(x double)[])", "MAP(VARCHAR, STRUCT(x DOUBLE)[])"),
        ("STRUCT(time TIME WITH TIME ZONE)", "STRUCT(time TIME WITH TIME ZONE)"),
        ("decimal(38,38)", "DECIMAL(38,38)"),
    ],
)
def test_spellings(text: str, written: str) -> None:
    assert str(parse_column_type(text)) == written


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "INTEGERS", "INTEGER INTEGER", "INTEGER)", "(INTEGER", "INTEGER[3]", "INTEGER["),
        *("ENUM('a')", "UNION(a INTEGER)", "BIT", "BIGNUM", "VARIANT", "NULL", '"NULL"', "ANY"),
        *(
            "DECIMAL(0,0)",
            "DECIMAL(39,0)",
            "DECIMAL(2,3)",
            "DECIMAL(a)",
            "DECIMAL(9,2",
            "DECIMAL()",
        ),
        *("DECIMAL(-1,0)", "DECIMAL(٣)", "DECIMAL(9999999999)", "VARCHAR(x)", "INTEGER(3)"),
        *(
            "STRUCT",
            "STRUCT()",
            "STRUCT(a)",
            "STRUCT(a INTEGER",
            "STRUCT(a INTEGER,)",
            "STRUCT(, )",
        ),
        *("STRUCT(a INTEGER, A DATE)", "MAP(VARCHAR)", "MAP", "MAP(A, B)", "MAP(INT, INT, INT)"),
        *("INTEGER; DROP TABLE t", "INTEGER NOT NULL", "TIMESTAMP WITH", "TIME ZONE", "x\x00"),
    ],
)
def test_what_is_no_type(text: str) -> None:
    with pytest.raises(InvalidColumnError):
        parse_column_type(text)


def test_how_deep_a_type_is_nested() -> None:
    for one, many in (
        ("INTEGER", "[]"),
        ("INTEGER", None),
    ):
        deepest = (
            one + "[]" * MAX_TYPE_DEPTH
            if many
            else "STRUCT(a " * MAX_TYPE_DEPTH + one + ")" * MAX_TYPE_DEPTH
        )
        parse_column_type(deepest)
        with pytest.raises(InvalidColumnError, match="deep"):
            parse_column_type(f"STRUCT(a {deepest})")


def test_a_type_that_never_ends() -> None:
    for text in ("[" * 9_000, "STRUCT(a " * 1_000, "MAP(" * 2_000, "INTEGER" + "[]" * 4_000):
        with pytest.raises(InvalidColumnError):
            parse_column_type(text)


def test_a_type_that_is_too_long() -> None:
    with pytest.raises(InvalidColumnError, match="characters"):
        parse_column_type("INTEGER" + " " * MAX_TYPE_LENGTH)


def test_an_error_shows_a_long_type_in_part() -> None:
    with pytest.raises(InvalidColumnError) as raised:
        parse_column_type("x" * 9_000)

    assert len(raised.value.detail) < 200


def test_bounds_of_integers() -> None:
    assert INTEGER_BOUNDS[ScalarKind.TINYINT] == (-128, 127)
    assert INTEGER_BOUNDS[ScalarKind.UBIGINT] == (0, 18446744073709551615)
    assert all(least <= 0 < greatest for least, greatest in INTEGER_BOUNDS.values())
