"""What the names of a statement stand for in the lake, wherever the engine would look for them.

The engine looks for a bare name of a view first in the view's schema, then in the caller's
namespace, then in the default one, as they are at the snapshot that is read. With an AT that the
statement says itself this can be any, so what a name ever was is judged then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from adapters.ducklake.catalog.metadata import Metadata, NamedEntry
from adapters.ducklake.catalog.names import Names
from adapters.ducklake.engine.sql import LAKE
from domain.sql.statement import Reference
from domain.tables import DEFAULT_NAMESPACE


@dataclass(frozen=True, slots=True)
class Meanings:
    """What the lake has by some names.

    Attributes:
        macros: The macros among them.
    """

    macros: frozenset[str]
    _entries: Mapping[tuple[str, str], Sequence[NamedEntry]]

    @classmethod
    def of(cls, entries: Collection[NamedEntry]) -> Meanings:
        """Sort what the catalog has; entries that say the same count once."""
        found: dict[tuple[str, str], list[NamedEntry]] = {}
        for entry in dict.fromkeys(entries):
            if entry.kind != "macro":
                found.setdefault((entry.schema.lower(), entry.name.lower()), []).append(entry)
        return cls(frozenset(entry.name for entry in entries if entry.kind == "macro"), found)

    def first(self, table: Reference, path: Sequence[str]) -> NamedEntry | None:
        """What a name stands for; None when it is none of the lake's."""
        return next(iter(self.all(table, path)), None)

    def all(self, table: Reference, path: Sequence[str]) -> list[NamedEntry]:
        """What a name can stand for, in the order in which it is looked for.

        Args:
            table: The name.
            path: The namespaces in which it is looked for when it is bare.
        """
        return [
            entry
            for schema in _namespaces(table, path)
            for entry in self._entries.get((schema.lower(), table.name.lower()), ())
        ]


class Lookup:
    """Looks names up: as they are for one statement, or as they ever were."""

    def __init__(self, names: Names, metadata: Metadata, now: Metadata | None) -> None:
        """Begin.

        Args:
            names: What is remembered of snapshots.
            metadata: The catalog as the statement sees it.
            now: The catalog as it is, when that is another.
        """
        self._names = names
        self._metadata = metadata
        self._now = now

    def of(
        self, tables: Collection[str], functions: Collection[str], *, ever: bool = False
    ) -> Meanings:
        """What the names are for the statement, or, `ever`, what they were at any snapshot."""
        if ever:
            return Meanings.of(self._metadata.entries_ever({*tables, *functions}))
        entries = list(self._names.entries(self._metadata, {*tables, *functions}))
        if self._now is not None and functions:
            # A statement's AT goes with tables alone: of macros those are called that are there.
            now = self._names.entries(self._now, functions)
            entries += [entry for entry in now if entry.kind == "macro"]
        return Meanings.of(entries)


def _namespaces(table: Reference, path: Sequence[str]) -> Iterable[str]:
    if not table.schema:
        # The engine looks at last in the lake's default schema.
        return dict.fromkeys([*path, DEFAULT_NAMESPACE])
    # `lake.t` is looked for like a bare name, but for that, unless a namespace is called `lake`.
    in_path = table.schema.casefold() == LAKE and not table.catalog
    return dict.fromkeys(path) if in_path else [table.schema]
