"""What the engine says, made fit for who asked: short, and without names that are refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from domain.sql.suggestions import may_suggest_function, may_suggest_table, may_suggest_type

MAX_LINE = 200
"""Characters of a line of a message; a line of an object, or a value, may be repeated in it."""

MAX_LINES = 12
"""Lines of a message; how CSV was read follows behind what is wrong with it."""

_SUGGESTION = re.compile(r"\s*Did you mean (?P<names>[^\n]*)")
_NAME = re.compile(r'"([^"]*)"')
_OF_KIND: Mapping[re.Pattern[str], Callable[[str], bool]] = {
    re.compile(r"Table with name"): may_suggest_table,
    re.compile(r"(\w+ )*Function with name"): may_suggest_function,
    re.compile(r"Type with name"): may_suggest_type,
}


def fit(text: str) -> str:
    """A message whose lines are bounded, and that suggests nothing that is refused."""
    lines = _with_fit_suggestion(text).split("\n")
    bounded = [line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]}..." for line in lines]
    return "\n".join(bounded[:MAX_LINES] + ["..."] * (len(bounded) > MAX_LINES))


def _with_fit_suggestion(text: str) -> str:
    found = _SUGGESTION.search(text)
    if found is None:
        return text
    may_suggest = next((may for kind, may in _OF_KIND.items() if kind.match(text)), None)
    names = _NAME.findall(found["names"])
    if may_suggest is not None and names and all(map(may_suggest, names)):
        return text
    return text[: found.start()] + text[found.end() :]
