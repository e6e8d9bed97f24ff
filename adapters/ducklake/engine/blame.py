"""Which parameter's value an error comes of, proven by asking again with other values.

The engine tells the value that it cannot cast, not where it comes from: a column, or the
statement itself, may hold the same text. So a parameter is blamed only when the error follows
it.
"""

from __future__ import annotations

import math
import random
import re
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from adapters.ducklake.engine.errors import ENGINE_ERRORS, EngineMessage
from domain.errors import (
    InvalidParametersError,
    InvalidSqlError,
    InvalidValueError,
    LakehouseError,
)
from domain.queries import Parameters, Value, named

Ask = Callable[[Parameters], BaseException | None]
"""Asks as before, with other parameters; gives what the engine fails with, None if it does not."""

MAX_BLAMED = 5
"""How many parameters that hold the value are tried."""

# What a cast says of one value, or of one type. Messages with several values in them (those of
# make_date, strptime or an overflow) do not tell which of them is wrong.
_CAST = re.compile(
    r"Could not c(onvert|ast)|can't be cast|Failed to cast|Unimplemented type for cast"
    r"|field value out of range|invalid \w+ field format|extract specifier .* not recognized"
    r"|Malformed JSON|hex escape code",
    re.DOTALL,
)
_QUOTED = re.compile(r"'([^']+)'|\"([^\"]+)\"")
_BYTE = re.compile(r"at byte \d+ of")

# Which type the engine takes an integer for, and its bounds.
_INTEGERS = (
    ("INTEGER", -(2**31), 2**31 - 1),
    ("BIGINT", -(2**63), 2**63 - 1),
    ("UBIGINT", 0, 2**64 - 1),
    ("HUGEINT", -(2**127), 2**127 - 1),
    ("UHUGEINT", 0, 2**128 - 1),
)
_FEW = 1_000_000

_randomness = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class _Trial:
    """Another value for a parameter, and what the message is to say in place of what it says."""

    value: Value
    told: str
    instead: str


def blamed(
    error: LakehouseError, cause: BaseException | None, parameters: Parameters, ask: Ask
) -> LakehouseError:
    """The error, with the parameter whose value it comes of where that can be proven.

    Args:
        error: What a statement failed with, in the domain's words.
        cause: The same in the engine's.
        parameters: The statement's parameters.
        ask: Asks again; may raise when that is to end.
    """
    if not parameters or not isinstance(error, InvalidSqlError | InvalidValueError):
        return error
    if not isinstance(cause, ENGINE_ERRORS):
        return error
    try:
        if isinstance(cause, duckdb.BinderException):
            name = _unfit(parameters, ask)
        else:
            name = _told(EngineMessage.of(cause), parameters, ask)
    except (LakehouseError, *ENGINE_ERRORS):
        # What took too long, or broke on the way, proves nothing.
        return error
    if name is None:
        return error
    detail = f"The value of ${name} does not fit: {error.detail}"
    return InvalidParametersError(detail, name, error.position)


def _unfit(parameters: Parameters, ask: Ask) -> str | None:
    """The first parameter with which the statement cannot be bound, all others being NULL.

    The engine binds by the types of parameters, and reads no rows meanwhile.
    """

    def fails(kept: Collection[str]) -> bool:
        left = {name: value if name in kept else None for name, value in named(parameters)}
        return isinstance(ask(_like(parameters, left)), duckdb.BinderException)

    names = [name for name, value in named(parameters) if value is not None]
    if not names or fails(()):
        return None
    while len(names) > 1:
        half = names[: len(names) // 2]
        names = half if fails(half) else names[len(half) :]
    return names[0] if fails(names) else None


def _told(message: EngineMessage, parameters: Parameters, ask: Ask) -> str | None:
    """The parameter whose value a message tells: with another value, it tells the other.

    That is another one which no row is likely to hold, so that it is no other row's.
    """
    if _CAST.search(message.text) is None:
        return None
    suspects = [
        (name, found)
        for name, value in named(parameters)
        if (found := list(_trials(value, message.text)))
    ]
    if not suspects:
        return None
    again = _message(ask(parameters))
    if again is None or again.text != message.text:
        return None
    values = dict(named(parameters))

    def follows(name: str, trial: _Trial) -> bool:
        other = _message(ask(_like(parameters, values | {name: trial.value})))
        return other is not None and _tells(other, again, trial)

    for name, ways in suspects[:MAX_BLAMED]:
        for trials in ways:
            if all(follows(name, trial) for trial in trials):
                return name
    return None


def _message(error: BaseException | None) -> EngineMessage | None:
    return None if error is None else EngineMessage.of(error)


def _tells(other: EngineMessage, message: EngineMessage, trial: _Trial) -> bool:
    """Whether another message is the same, at the same place, but for the value."""
    expected = message.text.replace(trial.told, trial.instead)
    return (
        trial.told != trial.instead
        and other.position == message.position
        and _BYTE.sub("", other.text) == _BYTE.sub("", expected)
    )


def _trials(value: Value, text: str) -> Iterator[Sequence[_Trial]]:
    """Ways to prove that a message tells a value: in each, all trials must succeed."""
    if value is None:
        return
    if isinstance(value, str):
        yield from _trials_of_text(value, text)
    elif not isinstance(value, bool):
        yield from _trials_of_number(value, text)
    held = f"({_type(value)} -> "
    if held in text:
        # The types are the statement's, whatever rows there are.
        other: Value = True if isinstance(value, float) else 0.5
        yield [_Trial(other, held, f"({_type(other)} -> ")]


def _trials_of_text(value: str, text: str) -> Iterator[Sequence[_Trial]]:
    # With space around it, most values are wrong in the very way in which they were.
    space, word = "".join(_randomness.choices(" \t", k=32)), secrets.token_hex(8)
    for mark in "'\"":
        told = f"{mark}{value}{mark}"
        if told in text:
            for other in (f"{space}{value}", f"{value}{space}", f"{value}{word}"):
                yield [_Trial(other, told, f"{mark}{other}{mark}")]
            return
    # An element of a list is told alone.
    for found in _QUOTED.finditer(text):
        part = found[1] or found[2]
        if part in value:
            instead = found.group().replace(part, part + word)
            yield [_Trial(value.replace(part, part + word), found.group(), instead)]


def _trials_of_number(value: float, text: str) -> Iterator[Sequence[_Trial]]:
    for shown in (str, _with_decimals):
        told = f"value {shown(value)} "
        if told in text:
            # Rows may well hold one number by chance, though not two.
            others = [_another(value), _another(value)]
            yield [_Trial(other, told, f"value {shown(other)} ") for other in others]


def _with_decimals(value: float) -> str:
    return f"{value:f}"


def _another(value: float) -> float:
    """Another number of the same type and sign, further from zero where there is room."""
    if not isinstance(value, int):
        factor = 1 + _randomness.random()
        return value * factor if math.isfinite(value * factor) else value / factor
    low, high = next((low, high) for _, low, high in _INTEGERS if low <= value <= high)
    if value < 0:
        return -_randomness.randint(*_beyond(-value, -low))
    return _randomness.randint(*_beyond(value, high))


def _beyond(value: int, most: int) -> tuple[int, int]:
    return (value + 1, most) if most - value > _FEW else (value // 2 + 1, value - 1)


def _type(value: Value) -> str:
    match value:
        case bool():
            return "BOOLEAN"
        case int():
            return next(name for name, low, high in _INTEGERS if low <= value <= high)
        case float():
            return "DOUBLE"
        case _:
            return "VARCHAR"


def _like(parameters: Parameters, values: Mapping[str, Value]) -> Parameters:
    return values if isinstance(parameters, Mapping) else list(values.values())
