"""What goes by a name, remembered: a snapshot never changes, and the catalog is slow to ask."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence

from adapters.ducklake.metadata import Metadata, NamedEntry

REMEMBERED = 1_000
"""How many sets of names are remembered."""


class Names:
    """The entries of names at a snapshot; what was asked last is remembered."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, frozenset[str]], Sequence[NamedEntry]] = OrderedDict()
        self._lock = threading.Lock()

    def entries(self, metadata: Metadata, names: Collection[str]) -> Sequence[NamedEntry]:
        """As `Metadata.entries`."""
        key = metadata.snapshot_id, frozenset(name.lower() for name in names)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        entries = metadata.entries(key[1])
        with self._lock:
            self._known[key] = entries
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return entries
