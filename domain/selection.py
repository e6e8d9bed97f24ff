"""Choosing columns of a table by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from domain.errors import InvalidColumnError


def chosen_columns(names: Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
    """The columns of these names, compared without case, as the table spells them.

    Raises:
        InvalidColumnError: When there is no such column, with the one that may be meant.
    """
    spelled = {name.casefold(): name for name in known}
    chosen: list[str] = []
    for name in names:
        if name.casefold() not in spelled:
            close = difflib.get_close_matches(name.casefold(), spelled, n=1)
            hint = f" Did you mean {spelled[close[0]]!r}?" if close else ""
            raise InvalidColumnError(f"The table has no column {name[:200]!r}.{hint}")
        chosen.append(spelled[name.casefold()])
    return tuple(chosen)
