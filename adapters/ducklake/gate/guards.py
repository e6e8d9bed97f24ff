"""Macros that check a call's sizes while it runs.

Each has the name of one of DuckDB's functions and calls it, in `memory.main`, which a query's
search path holds only when it is needed. So the caller's SQL runs as it is written, and its
errors keep their places. An argument stands once in each macro: twice would double nested calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import duckdb

from adapters.ducklake.engine.sql import identifier, literal
from domain.sql.limits import (
    MAX_COMPARED_TEXT,
    MAX_JSON_BRACKETS,
    MAX_JSON_TEXT,
    MAX_MADE_LIST,
    MAX_MADE_TEXT,
    MAX_MATCHING_STEPS,
    MAX_PATH_TEXT,
    MAX_REPLACED_TEXT,
    MAX_SEARCHED_TEXT,
    MAX_SORTED_LIST,
    MAX_SPLIT_TEXT,
)
from domain.sql.sizes import (
    BITS,
    COMPARING,
    LOOPING,
    MATCHING,
    PADDING,
    PATHS,
    RECURSING,
    REPEATING,
    REPLACING,
    RESIZING,
    SEARCHING,
    SERIES,
    SORTING,
    SPLITTING,
)

GUARDS = "memory.main"
"""The schema of the macros."""

LIST_LIMIT = "checked_list_limit"
"""The variable that says how long a list may be that a lambda goes through."""

Overload = tuple[str, str]
"""The parameters of a macro, and its expression."""

_OF = "system.main."
_BYTES_OF_A_CHARACTER = 4
# What the macro's own lambda calls its value: no column is called so.
_IT = "__checked"


def create_guards(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the macros; before the settings are locked, and before the lake is used."""
    for names, overloads in _MAKERS:
        for name in sorted(names):
            bodies = ", ".join(
                f"({parameters}) AS {expression}" for parameters, expression in overloads(name)
            )
            connection.execute(f"CREATE MACRO {GUARDS}.{identifier(name)}{bodies}")


def _repeating(name: str) -> Iterable[Overload]:
    condition = f"{_bytes('a')} * {_IT}.b <= {MAX_MADE_TEXT}"
    yield "a, b", _checked("ab", condition, f"{_OF}{name}({_IT}.a, {_IT}.b)", _too_long(name))


def _padding(name: str) -> Iterable[Overload]:
    length = _value("b", f"{_IT} <= {MAX_MADE_TEXT // _BYTES_OF_A_CHARACTER}", _too_long(name))
    yield "a, b, c", f"{_OF}{name}(a, {length}, c)"


def _bits(name: str) -> Iterable[Overload]:
    length = _value("b", f"{_IT} <= {MAX_MADE_TEXT}", _too_long(name))
    yield "a, b", f"{_OF}{name}(a, {length})"


def _series(name: str) -> Iterable[Overload]:
    message = f"{name} makes a list of at most {MAX_MADE_LIST} values; FROM {name}(...) makes more."
    yield "a", f"{_OF}{name}({_value('a', f'{_IT} <= {MAX_MADE_LIST}', message)})"
    length = f"CAST({_IT}.b AS DOUBLE) - CAST({_IT}.a AS DOUBLE)"
    call = f"{_OF}{name}({_IT}.a, {_IT}.b)"
    yield "a, b", _checked("ab", f"{length} <= {MAX_MADE_LIST}", call, message)
    # Of numbers or of moments: what a value is not, its text cannot be cast to.
    numbers = f"({_as('b', 'DOUBLE')} - {_as('a', 'DOUBLE')}) / {_as('c', 'DOUBLE')}"
    moments = (
        f"({_OF}epoch({_as('b', 'TIMESTAMP')}) - {_OF}epoch({_as('a', 'TIMESTAMP')}))"
        f" / {_OF}epoch({_as('c', 'INTERVAL')})"
    )
    condition = (
        f"{_IT}.a IS NULL OR {_IT}.b IS NULL OR {_IT}.c IS NULL"
        f" OR coalesce({numbers}, {moments}) <= {MAX_MADE_LIST}"
    )
    call = f"{_OF}{name}({_IT}.a, {_IT}.b, {_IT}.c)"
    yield "a, b, c", _checked("abc", f"coalesce({condition}, FALSE)", call, message)


def _resizing(name: str) -> Iterable[Overload]:
    message = f"{name} makes a list of at most {MAX_MADE_LIST} values."
    length = _value("b", f"{_IT} <= {MAX_MADE_LIST}", message)
    yield "a, b", f"{_OF}{name}(a, {length})"
    condition = (
        f"{_IT}.b <= {MAX_MADE_LIST} AND coalesce({_bytes('c')}, 0) * {_IT}.b"
        f" <= {MAX_REPLACED_TEXT}"
    )
    call = f"{_OF}{name}({_IT}.a, {_IT}.b, {_IT}.c)"
    yield "a, b, c", _checked("abc", condition, call, message)


def _replacing(name: str) -> Iterable[Overload]:
    condition = (
        f"({_bytes('a')} + 1) * ({_bytes('c')} + 1) <= {MAX_REPLACED_TEXT}"
        f" AND {_bytes('a')} * {_bytes('b')} <= {MAX_SEARCHED_TEXT}"
    )
    message = (
        f"{name} takes texts whose lengths have a product of at most {MAX_REPLACED_TEXT},"
        " unless the replacement is a short literal."
    )
    yield "a, b, c", _checked("abc", condition, f"{_OF}{name}({_members('abc')})", message)


def _comparing(name: str) -> Iterable[Overload]:
    condition = f"{_bytes('a')} * {_bytes('b')} <= {MAX_COMPARED_TEXT}"
    message = f"{name} takes texts whose lengths have a product of at most {MAX_COMPARED_TEXT}."
    yield "a, b", _checked("ab", condition, f"{_OF}{name}({_IT}.a, {_IT}.b)", message)
    if name.startswith("jaro"):
        yield "a, b, c", _checked("ab", condition, f"{_OF}{name}({_IT}.a, {_IT}.b, c)", message)


def _paths(name: str) -> Iterable[Overload]:
    message = f"{name} takes a path of at most {MAX_PATH_TEXT} bytes."
    checked = _value("a", f"{_OF}strlen({_IT}) <= {MAX_PATH_TEXT}", message)
    yield from _with_more(name, checked, (1, 2, 3) if name == "parse_filename" else (1, 2))


def _searching(name: str) -> Iterable[Overload]:
    condition = f"{_bytes('a')} * {_bytes('b')} <= {MAX_SEARCHED_TEXT}"
    call = f"{_OF}{name}({_IT}.a, {_IT}.b)"
    yield "a, b", _checked("ab", condition, call, _too_long_to_search(name))


def _matching(name: str) -> Iterable[Overload]:
    wildcard = "*" if name == "~~~" else "%"
    text, pattern = _bytes("a"), _bytes("b")
    inner = f"{_OF}rtrim(CAST({_IT}.b AS VARCHAR), '{wildcard}')"
    wildcards = f"({_OF}strlen({inner}) - {_OF}strlen({_OF}replace({inner}, '{wildcard}', '')))"
    condition = (
        f"CASE WHEN {wildcards} <= 1 THEN {text} * {pattern} <= {MAX_SEARCHED_TEXT}"
        f" ELSE {_OF}power({text}, {wildcards}) <= {MAX_MATCHING_STEPS} END"
    )
    message = "LIKE takes a shorter text, or a pattern with fewer wildcards; use regexp_matches."
    function = f"{_OF}{identifier(name)}"
    if name.endswith("escape"):
        yield "a, b, c", _checked("abc", condition, f"{function}({_members('abc')})", message)
    else:
        yield "a, b", _checked("ab", condition, f"{function}({_members('ab')})", message)


def _recursing(name: str) -> Iterable[Overload]:
    text = f"CAST({_IT} AS VARCHAR)"
    brackets = rf"{_OF}strlen({_OF}regexp_replace({text}, '[^\[{{]', '', 'g'))"
    condition = f"{_OF}strlen({text}) <= {MAX_JSON_TEXT} OR {brackets} <= {MAX_JSON_BRACKETS}"
    message = (
        f"{name} takes JSON of at most {MAX_JSON_TEXT} bytes, or with at most"
        f" {MAX_JSON_BRACKETS} arrays and objects."
    )
    first, second, third = (_value(each, condition, message) for each in "abc")
    if name == "json_structure":
        yield "a", f"{_OF}{name}({first})"
    else:
        yield "a, b", f"{_OF}{name}({first}, {second})"
    if name == "json_merge_patch":
        yield "a, b, c", f"{_OF}{name}({first}, {second}, {third})"


def _looping(name: str) -> Iterable[Overload]:
    limit = f"coalesce(getvariable({literal(LIST_LIMIT)}), 0)"
    message = f"The list that {name} goes through is too long for what its lambda does; use unnest."
    checked = _value("a", f"{_OF}len({_IT}) <= {limit}", message)
    yield "a, b", f"{_OF}{name}({checked}, b)"
    if name.endswith("reduce"):
        yield "a, b, c", f"{_OF}{name}({checked}, b, c)"


def _sorting(name: str) -> Iterable[Overload]:
    message = (
        f"{name} takes a list of at most {MAX_SORTED_LIST} values here; unnest it, or let the"
        " aggregate sort or compare: list(DISTINCT x ORDER BY x)."
    )
    checked = _value("a", f"{_OF}len({_IT}) <= {MAX_SORTED_LIST}", message)
    yield from _with_more(name, checked, _SORTING_ARITIES.get(name, (1,)))


def _splitting(name: str) -> Iterable[Overload]:
    message = f"{name} takes a text of at most {MAX_SPLIT_TEXT} bytes here."
    if name not in _SPLITTING_ARITIES:
        condition = (
            f"{_bytes('a')} <= {MAX_SPLIT_TEXT}"
            f" AND {_bytes('a')} * {_bytes('b')} <= {MAX_SEARCHED_TEXT}"
        )
        yield "a, b", _checked("ab", condition, f"{_OF}{name}({_members('ab')})", message)
        return
    checked = _value("a", f"{_OF}strlen({_IT}) <= {MAX_SPLIT_TEXT}", message)
    yield from _with_more(name, checked, _SPLITTING_ARITIES[name])


_SORTING_ARITIES = {
    "array_grade_up": (1, 2, 3),
    "array_has_all": (2,),
    "array_has_any": (2,),
    "array_intersect": (2,),
    "array_reverse_sort": (1, 2),
    "array_sort": (1, 2, 3),
    "array_to_string": (2,),
    "grade_up": (1, 2, 3),
    "list_grade_up": (1, 2, 3),
    "list_has_all": (2,),
    "list_has_any": (2,),
    "list_intersect": (2,),
    "list_reverse_sort": (1, 2),
    "list_sort": (1, 2, 3),
}
_SPLITTING_ARITIES = {
    "regexp_extract_all": (2, 3, 4),
    "regexp_split_to_array": (2, 3),
    "str_split_regex": (2, 3),
    "string_split_regex": (2, 3),
}
_MAKERS: tuple[tuple[frozenset[str], Callable[[str], Iterable[Overload]]], ...] = (
    (REPEATING, _repeating),
    (PADDING, _padding),
    (BITS, _bits),
    (SERIES, _series),
    (RESIZING, _resizing),
    (REPLACING, _replacing),
    (COMPARING, _comparing),
    (PATHS, _paths),
    (SEARCHING, _searching),
    (MATCHING, _matching),
    (RECURSING, _recursing),
    (LOOPING, _looping),
    (SORTING, _sorting),
    (SPLITTING, _splitting),
)


def _with_more(name: str, first: str, arities: Iterable[int]) -> Iterable[Overload]:
    for arity in arities:
        parameters = ", ".join("abcd"[:arity])
        yield parameters, f"{_OF}{name}({', '.join([first, *'bcd'[: arity - 1]])})"


def _members(parameters: str) -> str:
    return ", ".join(f"{_IT}.{parameter}" for parameter in parameters)


def _value(parameter: str, condition: str, message: str) -> str:
    """The parameter, when the condition holds for it or it is NULL."""
    return _mapped(parameter, _unless(f"{_IT} IS NULL OR {condition}", _IT, message))


def _checked(parameters: str, condition: str, call: str, message: str) -> str:
    """The call, when the condition holds for some of its parameters, or cannot be said."""
    members = ", ".join(f"{parameter} := {parameter}" for parameter in parameters)
    held = f"coalesce({condition}, TRUE)"
    return _mapped(f"{_OF}struct_pack({members})", _unless(held, call, message))


def _unless(condition: str, value: str, message: str) -> str:
    return f"CASE WHEN {condition} THEN {value} ELSE {_OF}error({literal(message)}) END"


def _mapped(value: str, expression: str) -> str:
    mapped = f"{_OF}list_transform({_OF}list_value({value}), lambda {_IT}: {expression})"
    return f"{_OF}list_extract({mapped}, 1)"


def _bytes(parameter: str) -> str:
    return f"{_OF}strlen(CAST({_IT}.{parameter} AS VARCHAR))"


def _as(parameter: str, kind: str) -> str:
    return f"TRY_CAST(CAST({_IT}.{parameter} AS VARCHAR) AS {kind})"


def _too_long_to_search(name: str) -> str:
    return f"{name} takes texts whose lengths have a product of at most {MAX_SEARCHED_TEXT}."


def _too_long(name: str) -> str:
    return f"{name} makes a text of at most {MAX_MADE_TEXT} bytes."
