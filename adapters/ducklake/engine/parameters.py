"""Parameters that do not fit their statement, in the domain's words."""

from __future__ import annotations

import re

from domain.errors import InvalidParametersError

_TOLD = 10
_MISSING = re.compile(r"Values were not provided for .* parameters: (?P<names>.+)")
_EXCESS = re.compile(r"Parameter argument/count mismatch, .* parameters: (?P<names>.+)")


def parameters_error(text: str) -> InvalidParametersError | None:
    """The error that tells which parameters are missing, or too many; None for other messages."""
    missing, excess = _MISSING.match(text), _EXCESS.match(text)
    found = missing or excess
    if found is None:
        return None
    # They come in no order.
    names = sorted(found["names"].split(", "), key=lambda name: (len(name), name))
    shown = ", ".join(f"${name}" for name in names[:_TOLD]) + ", ..." * (len(names) > _TOLD)
    if missing:
        return InvalidParametersError(f"No value is given for {shown}.", names[0])
    return InvalidParametersError(f"The statement has no parameter {shown}.", names[0])
