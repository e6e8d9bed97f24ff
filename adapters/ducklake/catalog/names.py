"""What goes by a name, remembered: a snapshot never changes, and the catalog is slow to ask."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from adapters.ducklake.catalog.metadata import Metadata, NamedEntry
from adapters.ducklake.engine.remembered import Remembered

REMEMBERED = 1_000
"""How many sets of names are remembered."""


class Names:
    """The entries of names at a snapshot."""

    def __init__(self) -> None:
        self._known: Remembered[tuple[int, frozenset[str]], Sequence[NamedEntry]] = Remembered(
            REMEMBERED
        )

    def entries(self, metadata: Metadata, names: Collection[str]) -> Sequence[NamedEntry]:
        """As `Metadata.entries`."""
        wanted = frozenset(name.lower() for name in names)
        return self._known.get((metadata.snapshot_id, wanted), lambda: metadata.entries(wanted))
