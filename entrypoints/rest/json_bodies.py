"""JSON bodies, read strictly (RFC 8259)."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import NoReturn

from domain.errors import MalformedBodyError
from domain.json_depth import check_depth


def parse_json(content: bytes) -> object:
    """Read JSON strictly.

    Raises:
        MalformedBodyError: When it is not JSON, names a member twice, or holds a number or a
            character that nothing can hold.
        TooLargeError: When it is nested too deep.
    """
    check_depth(content)
    try:
        value: object = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_no_number,
            parse_float=_float,
        )
        if b"\\ud" in content.lower():
            # Half of a surrogate pair is no character, and could not be written anywhere.
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError as error:
        raise MalformedBodyError("The body is not UTF-8.") from error
    except json.JSONDecodeError as error:
        raise MalformedBodyError(
            f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from error
    except ValueError as error:
        # Python reads no integer of more than some thousand digits.
        raise MalformedBodyError("The body holds a number that is too long.") from error
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        twice = next(name for name, count in Counter(n for n, _ in pairs).items() if count > 1)
        raise MalformedBodyError(f"The body names {twice[:100]!r} twice in one object.")
    return members


def _no_number(text: str) -> NoReturn:
    raise MalformedBodyError(f"{text} is not JSON.")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise MalformedBodyError(f"The number {text[:50]} is too large.")
    return number
