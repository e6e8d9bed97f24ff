"""A statement in neutral words: what it names, calls, and costs."""

from __future__ import annotations

from dataclasses import dataclass

from domain.sql.objects import ObjectRead


@dataclass(frozen=True, slots=True)
class Reference:
    """A table or function as a statement names it; a part that is not said is empty."""

    catalog: str
    schema: str
    name: str

    def __str__(self) -> str:
        return ".".join(part for part in (self.catalog, self.schema, self.name) if part)


@dataclass(frozen=True, slots=True)
class Literal:
    """An argument that the statement itself says: a text or a whole number."""

    value: str | int


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function on values.

    Attributes:
        function: The function.
        arguments: Its arguments, in order; None for one that is not a literal.
        windowed: Whether it stands before OVER.
        framed: Whether it stands there with an order or a frame, so that each row is about others.
        distinct: Whether it is an aggregate of different values alone (`DISTINCT`).
        lambdas: How many lambdas it stands in.
    """

    function: Reference
    arguments: tuple[Literal | None, ...] = ()
    windowed: bool = False
    framed: bool = False
    distinct: bool = False
    lambdas: int = 0

    @property
    def name(self) -> str:
        """The function's name in lower case."""
        return self.function.name.casefold()

    def text(self, position: int) -> str | None:
        """The argument at that position, when it is a literal text."""
        value = self._value(position)
        return value if isinstance(value, str) else None

    def number(self, position: int) -> int | None:
        """The argument at that position, when it is a literal whole number."""
        value = self._value(position)
        return value if isinstance(value, int) else None

    def _value(self, position: int) -> str | int | None:
        if not 0 <= position < len(self.arguments):
            return None
        literal = self.arguments[position]
        return None if literal is None else literal.value


@dataclass(frozen=True, slots=True)
class Size:
    """How much work a statement is before it runs, and how much it makes of its values.

    Attributes:
        depth: How deep its expressions, queries and types stand in each other.
        cost: What planning it costs, in estimated microseconds.
        growth: How many times longer than what it was made of a value can become.
        lambda_weight: The steps of its heaviest lambda, for one element.
        array_size: The elements of its largest fixed-size array type.
        tables: How many tables it reads, each as often as it stands there.
    """

    depth: int = 0
    cost: int = 0
    growth: int = 1
    lambda_weight: int = 1
    array_size: int = 0
    tables: int = 0


@dataclass(frozen=True, slots=True)
class Use:
    """How a statement reads a table, all of its places together.

    Attributes:
        table: The table, view or common table expression, as it is named.
        places: In how many places it stands.
        times: How often it is planned.
        depth: How deep it stands in expressions and queries where that is deepest.
        past: Whether one of its places names a moment (`AT`).
    """

    table: Reference
    places: int
    times: int
    depth: int
    past: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """One SELECT, by what it names anywhere in it.

    Attributes:
        tables: Tables and views, and names of its own common table expressions.
        table_functions: Functions that stand in place of a table.
        object_reads: Calls of functions that read objects, in place of a table.
        calls: Calls of functions on values.
        columns: The names that columns are called by, in lower case, each part of a dotted
            name by itself.
        types: The names of types that it casts to, in lower case.
        listings: What it lists of the engine itself (`SHOW TABLES`, `SHOW DATABASES`).
        common_tables: The names of its common table expressions, in lower case.
        recursive: Whether one of them is recursive.
        travels: Whether it names a moment for one of its tables (`AT`).
        sampled: Whether it takes a sample (`TABLESAMPLE`, `USING SAMPLE`).
        selects_columns_by_lambda: Whether it has `COLUMNS(lambda ...)`.
        uses: How it reads its tables.
        size: How much work it is, without what the views are that it names.
    """

    tables: frozenset[Reference] = frozenset()
    table_functions: frozenset[Reference] = frozenset()
    object_reads: tuple[ObjectRead, ...] = ()
    calls: frozenset[Call] = frozenset()
    columns: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    listings: frozenset[str] = frozenset()
    common_tables: frozenset[str] = frozenset()
    recursive: bool = False
    travels: bool = False
    sampled: bool = False
    selects_columns_by_lambda: bool = False
    uses: frozenset[Use] = frozenset()
    size: Size = Size()

    def may_be_common(self, table: Reference) -> bool:
        """Whether `table` may be one of the statement's own common table expressions."""
        return (
            not table.catalog and not table.schema and table.name.casefold() in self.common_tables
        )
