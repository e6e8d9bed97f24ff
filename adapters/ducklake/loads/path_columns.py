"""Columns that are not in objects but in their names (`month=7/`), as Hive lays them out.

The engine's own reading of them is not used: it sees the directories above a local store too,
takes more texts than one for NULL, and lets the path win over a column of the object unasked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from adapters.ducklake.engine.sql import identifier, literal
from adapters.ducklake.loads.columns import OBJECT, Loaded, LoadedColumn, matched
from adapters.ducklake.loads.texts import from_text
from adapters.ducklake.objects.sources import ObjectSource
from domain.errors import InvalidPartitionError, RowProblem, RowsDoNotFitError
from domain.hive_paths import columns_in_path, value_in_path
from domain.located_objects import LocatedObject
from domain.tables import Column

_PLACE = "__place_of_the_object"
_VALUE = "__value_in_the_path"

Values = Mapping[str, str | None]
"""The values that the paths of objects have for one column, by where the objects are read."""


@dataclass(frozen=True, slots=True)
class PathColumns:
    """What the paths of objects tell of columns.

    Attributes:
        asked: Whether they are to be read, whatever the objects and the table have.
        columns: For each column that all paths name, its values.
        unclear: For each column that some path names, but that has no value for each object,
            why it has none.
    """

    asked: bool
    columns: Mapping[str, Values]
    unclear: Mapping[str, str]

    @classmethod
    def of(cls, source: ObjectSource, hive_partitioning: bool | None) -> PathColumns:
        """What the paths of a source's objects tell.

        Args:
            source: The objects.
            hive_partitioning: As `ObjectRows.hive_partitioning`.

        Raises:
            RowsDoNotFitError: When they are asked for and tell nothing, or are unclear.
        """
        if hive_partitioning is False:
            return cls(asked=False, columns={}, unclear={})
        found = _Found()
        for each in source.objects:
            found.add(each)
        paths = found.told(asked=hive_partitioning is True)
        if paths.asked and paths.unclear:
            raise RowsDoNotFitError(
                *(RowProblem(None, name, reason) for name, reason in paths.unclear.items())
            )
        if paths.asked and not paths.columns:
            raise RowsDoNotFitError(
                RowProblem(None, None, "The objects' names have no directories like column=value.")
            )
        return paths

    def beside(self, in_objects: Collection[str], known: Collection[str] | None) -> list[str]:
        """The columns that are read from the paths.

        Args:
            in_objects: The columns that the objects have themselves.
            known: Those that the table has; None when it takes any.

        Raises:
            RowsDoNotFitError: When one of them is unclear.
        """
        if self.asked:
            return list(self.columns)
        there = {name.casefold() for name in in_objects}
        wanted = None if known is None else {name.casefold() for name in known}

        def is_read(name: str) -> bool:
            folded = name.casefold()
            return folded not in there and (wanted is None or folded in wanted)

        unclear = [name for name in self.unclear if is_read(name)]
        if unclear:
            raise RowsDoNotFitError(
                *(
                    RowProblem(
                        None, name, f"{self.unclear[name]}; say hive_partitioning: false or true."
                    )
                    for name in unclear
                )
            )
        return [name for name in self.columns if is_read(name)]

    def matched(
        self, in_objects: Sequence[str], columns: Sequence[Column], left_out: Collection[str] = ()
    ) -> tuple[dict[str, Column], dict[str, Column]]:
        """The table's column for each of the objects' own, and for each that is in the paths.

        Args:
            in_objects: The columns that the objects have themselves.
            columns: The table's.
            left_out: Columns that are not loaded.

        Raises:
            RowsDoNotFitError: As `columns.matched`, or when one in the paths is unclear.
        """
        known = [column.name for column in columns]
        in_paths = [name for name in self.beside(in_objects, known) if name not in left_out]
        own = without(in_objects, [*in_paths, *left_out])
        found = matched([*own, *in_paths], columns)
        return {name: found[name] for name in own}, {name: found[name] for name in in_paths}

    def loaded(
        self, own: Sequence[LoadedColumn], relation: str, in_paths: Mapping[str, Column]
    ) -> Loaded:
        """The objects' columns with those of the paths behind them.

        Args:
            own: The objects' own.
            relation: Has them, and the column `OBJECT`.
            in_paths: The table's columns for those in the paths.
        """
        joined, texts = self.joined(relation, list(in_paths))
        found = [
            LoadedColumn(column, texts[name], from_text(texts[name], column.type))
            for name, column in in_paths.items()
        ]
        return [*own, *found], joined

    def joined(self, relation: str, names: Sequence[str]) -> tuple[str, dict[str, str]]:
        """Rows with the columns of these names from their objects' paths, and their texts in SQL.

        Args:
            relation: The rows, with the column `OBJECT`.
            names: Columns in the paths.
        """
        if not names:
            return relation, {}
        paths, texts = self.values(names)
        place = identifier(_PLACE)
        # A row that finds no path must not pass as one that has NULL there.
        told = ", ".join(
            f"CASE WHEN paths.{place} IS NULL THEN error('A row is of no known object.') "
            f"ELSE paths.{text} END AS {text}"
            for text in texts.values()
        )
        with_paths = (
            f"(SELECT source.*, {told} FROM {relation} AS source LEFT JOIN {paths} "
            f"ON paths.{place} = source.{identifier(OBJECT)})"
        )
        return with_paths, texts

    def values(self, names: Sequence[str]) -> tuple[str, dict[str, str]]:
        """What stands behind FROM to read the columns of these names alone, and their texts."""
        texts = {name: identifier(f"{_VALUE} {number}") for number, name in enumerate(names)}
        given = ", ".join([identifier(_PLACE), *texts.values()])
        columns = [self.columns[name] for name in names]
        rows = ", ".join(
            f"({', '.join([literal(place), *(_text(column[place]) for column in columns)])})"
            for place in columns[0]
        )
        return f"(VALUES {rows}) AS paths({given})", texts


class _Found:
    """What was found in the paths so far."""

    def __init__(self) -> None:
        self._places: set[str] = set()
        self._names: dict[str, str] = {}
        self._values: dict[str, dict[str, str | None]] = {}
        self._unclear: dict[str, str] = {}

    def add(self, each: LocatedObject) -> None:
        """Add the path of an object; one that was added before says nothing new."""
        place = each.location
        if place in self._places:
            return
        self._places.add(place)
        for name, written in columns_in_path(each.found.ref.name.value):
            values = self._values.setdefault(self._folded(name), {})
            if place in values:
                self._mark(name, f"the path of {each.shown} names it twice")
            values[place] = self._value(name, written, each)

    def told(self, *, asked: bool) -> PathColumns:
        """What all paths tell."""
        for folded, values in self._values.items():
            if len(values) < len(self._places):
                self._mark(folded, "the paths of some objects name it, and those of others do not")
        clear = {
            self._names[folded]: values
            for folded, values in self._values.items()
            if folded not in self._unclear
        }
        unclear = {self._names[folded]: reason for folded, reason in self._unclear.items()}
        return PathColumns(asked, clear, unclear)

    def _value(self, name: str, written: str, each: LocatedObject) -> str | None:
        try:
            return value_in_path(written)
        except InvalidPartitionError as error:
            self._mark(name, f"{error.detail.rstrip('.')}, unlike that of {each.shown}")
            return None

    def _mark(self, name: str, reason: str) -> None:
        self._unclear.setdefault(self._folded(name), reason)

    def _folded(self, name: str) -> str:
        self._names.setdefault(name.casefold(), name)
        return name.casefold()


def _text(value: str | None) -> str:
    return "CAST(NULL AS VARCHAR)" if value is None else literal(value)


def without(names: Sequence[str], others: Collection[str]) -> list[str]:
    """Names that are none of some others, compared without case."""
    left = {other.casefold() for other in others}
    return [name for name in names if name.casefold() not in left]
