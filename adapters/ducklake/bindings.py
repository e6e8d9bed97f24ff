"""What was found out about statements, remembered: at one snapshot it is the same each time.

Programs ask the same again and again. What the gate says of a statement, and which columns it
has, follow from its text, its namespace and what the lake has by the names in it. A snapshot
never changes, so its number stands for the last: any change of the lake is a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from adapters.ducklake.engine.remembered import Remembered
from adapters.ducklake.gate.gate import Passed
from adapters.ducklake.gate.parser import REMEMBERED_LENGTH
from adapters.ducklake.results.columns import SelectedColumn
from domain.queries import Parameters

REMEMBERED_STATEMENTS = 500
REMEMBERED_COLUMNS = 100
"""Of how many columns a result may have that are remembered."""

Columns = Sequence[SelectedColumn]


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement where it is asked.

    Attributes:
        sql: Its text.
        namespace: Where it looks for names.
        snapshot_id: The newest snapshot, which it sees.
    """

    sql: str
    namespace: str
    snapshot_id: int


class Bindings:
    """What the gate and the engine said of statements that see the newest snapshot.

    Of one that is asked of the past (None) nothing is remembered: it is judged by two snapshots.
    """

    def __init__(self) -> None:
        self._passed: Remembered[Asked, Passed] = Remembered(REMEMBERED_STATEMENTS)
        self._columns: Remembered[tuple[Asked, str], Columns] = Remembered(REMEMBERED_STATEMENTS)

    def passed(self, asked: Asked | None, judge: Callable[[], Passed]) -> Passed:
        """What the gate let pass; what it refuses is not remembered."""
        if asked is None or len(asked.sql) > REMEMBERED_LENGTH:
            return judge()
        return self._passed.get(asked, judge)

    def columns(
        self,
        asked: Asked | None,
        passed: Passed,
        parameters: Parameters,
        bind: Callable[[], Columns],
    ) -> Columns:
        """The columns of a statement that passed, with parameters.

        A parameter's value counts, not its type alone: `round(price, ?)` has another type for
        another value. Of a statement that does not always bind alike nothing is remembered.
        """
        if asked is None or not passed.binds_alike:
            return bind()
        values = repr(parameters)
        if len(asked.sql) + len(values) > REMEMBERED_LENGTH:
            return bind()
        key = (asked, values)
        columns = self._columns.known(key)
        if columns is None:
            columns = bind()
            if len(columns) <= REMEMBERED_COLUMNS:
                self._columns.learn(key, columns)
        return columns
