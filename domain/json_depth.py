"""How deep JSON may be nested: one bound for all of it that is read here level by level.

Bodies of rows, bodies of requests and objects of JSON are read by recursion, in Python or in the
engine. Text that becomes JSON in the engine itself (a cast in a statement, a field of a CSV or
Parquet object that is loaded) has no bound: the engine parses, keeps and writes it without
recursion, at any depth. Its functions that do recurse are checked while they run
(`domain.sql.limits.MAX_JSON_TEXT`).
"""

from __future__ import annotations

import re

from domain.errors import TooLargeError

MAX_JSON_DEPTH = 500
"""How deep a JSON value may be nested. Python's own stack ends at 1,000."""

JSON_STRING = rb'"(?:[^"\\]++|\\.)*+"'
"""The pattern of a string in JSON (RFC 8259, 7), to be compiled with `re.DOTALL`."""

_BRACKETS = re.compile(JSON_STRING + rb"|[\[\]{}]", re.DOTALL)


def check_depth(text: bytes, depth: int = MAX_JSON_DEPTH) -> None:
    """Check that a JSON text is not nested too deep; whether it is well formed is not looked at.

    Raises:
        TooLargeError: When it is.
    """
    if text.count(b"[") + text.count(b"{") <= depth:
        return
    level = 0
    for match in _BRACKETS.finditer(text):
        mark = match.group()
        if mark in (b"[", b"{"):
            level += 1
            if level > depth:
                raise too_deep(depth)
        elif mark in (b"]", b"}"):
            level -= 1


def too_deep(depth: int = MAX_JSON_DEPTH) -> TooLargeError:
    """The error of a JSON value that is nested too deep."""
    return TooLargeError(f"A JSON value is nested at most {depth} deep.")
