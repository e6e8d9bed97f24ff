"""Functions whose arguments decide how much they make or do.

Some arguments are refused. The others are let pass when the statement itself says that they are
small; else the call is checked while it runs, by a macro of the same name (a guard).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from domain.errors import StatementNotAllowedError
from domain.sql.functions import AGGREGATES
from domain.sql.limits import (
    MAX_AGGREGATED_BITS,
    MAX_FIELD_WIDTH,
    MAX_JSON_STRUCTURE_DEPTH,
    MAX_JSON_TEXT,
    MAX_LAMBDA_DEPTH,
    MAX_LIST_WORK,
    MAX_MADE_LIST,
    MAX_REPLACEMENT,
    MAX_SAMPLE,
    MAX_SHORT_TEXT,
    MAX_SMALL_TEXT,
    MAX_TOP_VALUES,
)
from domain.sql.statement import Call, Statement

REPEATING = frozenset({"repeat"})
PADDING = frozenset({"lpad", "rpad"})
SERIES = frozenset({"range", "generate_series"})
RESIZING = frozenset({"array_resize", "list_resize"})
BITS = frozenset({"bitstring"})
REPLACING = frozenset({"replace", "regexp_replace"})
COMPARING = frozenset(
    {
        *("damerau_levenshtein", "editdist3", "jaro_similarity", "jaro_winkler_similarity"),
        "levenshtein",
    }
)
PATHS = frozenset({"parse_dirname", "parse_dirpath", "parse_filename", "parse_path"})
SEARCHING = frozenset({"contains", "instr", "position", "strpos"})
MATCHING = frozenset(
    {
        *("~~", "!~~", "~~*", "!~~*", "~~~", "like_escape", "not_like_escape"),
        *("ilike_escape", "not_ilike_escape"),
    }
)
"""LIKE, ILIKE and GLOB, which try again behind each wildcard."""

RECURSING = frozenset({"json_contains", "json_merge_patch", "json_structure"})
LOOPING = frozenset(
    {
        *("apply", "array_apply", "array_filter", "array_reduce", "array_transform", "filter"),
        *("list_apply", "list_filter", "list_reduce", "list_transform", "reduce"),
    }
)
"""Functions that run a lambda for each element of a list."""

SORTING = frozenset(
    {
        *("array_distinct", "array_grade_up", "array_has_all", "array_has_any"),
        *("array_intersect", "array_reverse_sort", "array_sort", "array_to_string"),
        *("array_unique", "grade_up", "list_distinct", "list_grade_up", "list_has_all"),
        *("list_has_any", "list_intersect", "list_reverse_sort", "list_sort", "list_unique"),
    }
)
SPLITTING = frozenset(
    {
        *("regexp_extract_all", "regexp_split_to_array", "split", "str_split", "str_split_regex"),
        *("string_split", "string_split_regex", "string_to_array"),
    }
)

GUARDED = (
    REPEATING
    | PADDING
    | SERIES
    | RESIZING
    | BITS
    | REPLACING
    | COMPARING
    | PATHS
    | SEARCHING
    | MATCHING
    | RECURSING
    | LOOPING
    | SORTING
    | SPLITTING
)
"""Functions for which there is a check while they run."""

COLLECTING = frozenset(
    {
        *("approx_top_k", "array_agg", "group_concat", "histogram", "histogram_exact"),
        *("json_group_array", "json_group_object", "list", "listagg", "string_agg"),
    }
)
"""Aggregates that make one value of many rows."""

HEAVY_IN_FRAMES = frozenset(
    {
        *("approx_count_distinct", "approx_quantile", "bitstring_agg", "entropy", "mad"),
        "reservoir_quantile",
    }
)
"""Aggregates that the engine puts together anew for each row's frame, and hears no interrupt."""

_STRUCTURED = frozenset(
    {"from_json", "from_json_strict", "json_transform", "json_transform_strict"}
)
_AGGREGATING = frozenset(
    {"aggregate", "array_aggr", "array_aggregate", "list_aggr", "list_aggregate"}
)
_FORMATTING = frozenset({"format", "printf"})
# The place of the argument that says how much is kept for each group, and its greatest value.
_SAMPLED = {"approx_top_k": (1, MAX_TOP_VALUES), "reservoir_quantile": (2, MAX_SAMPLE)}
_COLLECTING_BITS = "bitstring_agg"
# In list_aggregate, sizes would stand at other places.
_WITH_SIZES = frozenset({*_SAMPLED, _COLLECTING_BITS})
_IN_LAMBDAS = LOOPING | SERIES | COMPARING | SORTING | REPEATING | RESIZING | _AGGREGATING
_OPTIONS = 3

_DIGITS = len(str(MAX_FIELD_WIDTH))
_PRINTF_FIELD = rf"%(%|[-+ #0]*\d{{0,{_DIGITS}}}(\.\d{{0,{_DIGITS}}})?[a-zA-Z])"
_PRINTF = re.compile(rf"([^%]|{_PRINTF_FIELD})*", re.DOTALL)
_FORMAT = re.compile(
    rf"([^{{}}]|\{{\{{|\}}\}}|\{{([^{{}}0-9]|[0-9]{{1,{_DIGITS}}}(?![0-9]))*\}})*", re.DOTALL
)


def judge_arguments(call: Call) -> None:
    """Refuse a call whose arguments cannot be let pass, nor be checked while it runs.

    Raises:
        StatementNotAllowedError: With what the function takes.
    """
    name = call.name
    if name in COLLECTING and call.windowed:
        raise StatementNotAllowedError(
            f"{name} makes a long value for each row when it stands before OVER; "
            "use it with GROUP BY."
        )
    if call.windowed and call.distinct:
        # Measured on DuckDB 1.5.5: 330 bytes for each row that the memory limit does not count,
        # and no interrupt is heard while they are sorted.
        raise StatementNotAllowedError(
            f"{name} takes no DISTINCT before OVER; select the different values first, or use "
            "GROUP BY."
        )
    if name in HEAVY_IN_FRAMES and call.framed:
        raise StatementNotAllowedError(
            f"{name} is computed anew for each row when it stands before OVER with an order or a "
            "frame; use it with GROUP BY, or over whole partitions."
        )
    if name in _SAMPLED:
        _judge_sample(call, *_SAMPLED[name])
    if name == _COLLECTING_BITS:
        _judge_bits(call)
    if name in _FORMATTING:
        _judge_format(call)
    if name in _AGGREGATING and (call.text(1) or "").casefold() not in AGGREGATES - _WITH_SIZES:
        raise StatementNotAllowedError(f"{name} takes the name of an aggregate as a literal.")
    if name == "regexp_replace" and _has_options(call) and replacing_factor(call) is None:
        raise StatementNotAllowedError(
            f"With options, {name} takes a literal of at most {MAX_REPLACEMENT} characters as the "
            "replacement."
        )
    if name in _STRUCTURED:
        _judge_structure(call)


def is_checked(call: Call, *, long_values: bool) -> bool:
    """Whether a call must be checked while it runs.

    Args:
        call: A call that `judge_arguments` lets pass.
        long_values: Whether the statement can make long values (`makes_long_values`).
    """
    name = call.name
    if name in SORTING:
        return long_values
    if name in SPLITTING:
        return long_values or not _has_short_text(call)
    if name in REPLACING:
        return replacing_factor(call) is None or not _has_short_text(call)
    return name in GUARDED and not _is_small(call)


def replacing_factor(call: Call) -> int | None:
    """How many times longer `replace` or `regexp_replace` makes a text; None when not known."""
    replacement = call.text(2)
    if replacement is None or len(replacement) > MAX_REPLACEMENT:
        return None
    if call.name == "regexp_replace":
        # \1 stands for a part of a match. With the option g each match is replaced, and even
        # an empty text between two characters can be one.
        references = len(re.findall(r"\\[0-9]", replacement))
        everywhere = _has_options(call) and "g" in (call.text(_OPTIONS) or "g")
        literal = len(replacement) - 2 * references if everywhere else 0
        return max(1, references) + literal
    source = call.text(1)
    return None if source is None else max(1, math.ceil(len(replacement) / max(1, len(source))))


def list_limit(statement: Statement) -> int:
    """How many elements a list may have that a lambda goes through.

    Raises:
        StatementNotAllowedError: When lambdas stand too deep in each other.
    """
    depth = max((call.lambdas + 1 for call in statement.calls if call.name in LOOPING), default=1)
    inner = max((call.lambdas + 1 for call in statement.calls if _loops_inside(call)), default=1)
    depth = max(depth, inner)
    if depth > MAX_LAMBDA_DEPTH:
        raise StatementNotAllowedError(
            f"Functions that go through lists stand at most {MAX_LAMBDA_DEPTH} deep in each "
            "other's lambdas; use unnest."
        )
    work = MAX_LIST_WORK // max(1, statement.size.lambda_weight)
    return max(1, int(work ** (1 / depth)))


def makes_long_values(calls: Iterable[Call]) -> bool:
    """Whether one of the calls makes one value of many rows, or of nothing but a number."""
    making = COLLECTING | SERIES | REPEATING | RESIZING
    return any(call.name in making for call in calls)


def _has_options(call: Call) -> bool:
    return len(call.arguments) > _OPTIONS


def _loops_inside(call: Call) -> bool:
    return call.lambdas > 0 and call.name in _IN_LAMBDAS


def _has_short_text(call: Call) -> bool:
    """Whether what is searched for is a short literal; then a search is linear."""
    return any(
        text is not None and len(text) <= MAX_SHORT_TEXT for text in (call.text(0), call.text(1))
    )


def _is_easy_to_match(call: Call) -> bool:
    pattern = call.text(1)
    if pattern is None or len(pattern) > MAX_SHORT_TEXT:
        return False
    # Without the wildcard of one character DuckDB looks for each part of a literal in its turn.
    in_turn = call.name in {"~~", "!~~"} and "_" not in pattern
    wildcard = "*" if call.name == "~~~" else "%"
    return in_turn or pattern.rstrip(wildcard).count(wildcard) <= 1


def _is_small(call: Call) -> bool:
    name = call.name
    if name in SEARCHING:
        return _has_short_text(call)
    if name in MATCHING:
        return _is_easy_to_match(call)
    if name in REPEATING:
        text, count = call.text(0), call.number(1)
        return text is not None and count is not None and len(text) * count <= MAX_SMALL_TEXT
    if name in PADDING | BITS | RESIZING:
        length = call.number(1)
        return length is not None and length <= MAX_SMALL_TEXT
    if name in SERIES:
        numbers = [call.number(position) for position in range(len(call.arguments))]
        known = [number for number in numbers if number is not None]
        return len(known) == len(numbers) and _series_length(known) <= MAX_MADE_LIST
    return False


def _series_length(numbers: list[int]) -> int:
    match numbers:
        case [stop]:
            return stop
        case [start, stop]:
            return stop - start
        case [start, stop, step] if step:
            return abs(stop - start) // abs(step)
        case _:
            return MAX_MADE_LIST + 1


def _judge_sample(call: Call, place: int, limit: int) -> None:
    size = call.number(place)
    if len(call.arguments) > place and (size is None or size > limit):
        raise StatementNotAllowedError(
            f"The size given to {call.name} must be a literal of at most {limit}."
        )


def _judge_bits(call: Call) -> None:
    """Without bounds the engine takes those of the whole column."""
    least, greatest = call.number(1), call.number(2)
    if least is None or greatest is None or greatest - least >= MAX_AGGREGATED_BITS:
        raise StatementNotAllowedError(
            f"{call.name} takes the least and the greatest value as literals, with at most "
            f"{MAX_AGGREGATED_BITS} values between them."
        )


def _judge_format(call: Call) -> None:
    text = call.text(0)
    pattern = _PRINTF if call.name == "printf" else _FORMAT
    if text is None or pattern.fullmatch(text) is None:
        raise StatementNotAllowedError(
            f"The format given to {call.name} must be a literal, with widths of at most "
            f"{MAX_FIELD_WIDTH}."
        )


def _judge_structure(call: Call) -> None:
    text = call.text(1)
    shallow = (
        text is not None
        and len(text) <= MAX_JSON_TEXT
        and _depth(text) <= (MAX_JSON_STRUCTURE_DEPTH)
    )
    if not shallow:
        raise StatementNotAllowedError(
            f"The structure given to {call.name} must be a literal, nested at most "
            f"{MAX_JSON_STRUCTURE_DEPTH} deep."
        )


def _depth(text: str) -> int:
    depth = deepest = 0
    for mark in text:
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
    return deepest
