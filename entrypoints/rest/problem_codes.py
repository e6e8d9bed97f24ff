"""The codes of all problems, as the documentation lists them."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Iterator
from http import HTTPStatus

from domain import errors
from domain.errors import ConfigurationError, LakehouseError
from entrypoints.rest.problems import status_of_kind


def table_of_codes() -> str:
    """The codes that problems may have, by their status, as a table in Markdown."""
    codes = defaultdict(list)
    for status, code in _codes():
        codes[status].append(f"`{code}`")
    rows = [
        f"| {status.value} {status.phrase} | {', '.join(sorted(codes[status]))} |"
        for status in sorted(codes)
    ]
    return "\n".join(["| status | codes |", "|---|---|", *rows, ""])


def _codes() -> Iterator[tuple[HTTPStatus, str]]:
    for _, kind in inspect.getmembers(errors, inspect.isclass):
        # A wrong setting stops the start, so no request meets it.
        if issubclass(kind, LakehouseError) and not issubclass(kind, ConfigurationError):
            yield status_of_kind(kind), kind.code
