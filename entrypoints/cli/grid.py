"""Tables as a terminal shows them: as wide as it is, the middle columns left out if need be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from entrypoints.cli.output import printable

WIDEST_CELL = 60
NARROWEST_CUT = 20
"""Long values are cut down to this before columns are left out."""

_PADDING = 2
_LEFT_OUT = "…"


@dataclass(frozen=True, slots=True)
class GridColumn:
    """A column of a table.

    Attributes:
        name: Its title.
        type: A second line under the title.
        numeric: Whether its values stand at the right.
    """

    name: str
    type: str | None = None
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Drawn:
    """What of a table was not shown.

    Attributes:
        columns_left_out: How many columns.
        values_cut: Whether some values were cut.
    """

    columns_left_out: int
    values_cut: bool


Cells = Sequence[str | None]


def draw_grid(
    console: Console, columns: Sequence[GridColumn], rows: Sequence[Cells], *, cut: bool = True
) -> Drawn:
    """Draw a table.

    Args:
        console: Where.
        columns: The columns.
        rows: The values; None is NULL.
        cut: Long values may be cut, and columns left out; otherwise values are folded.
    """
    texts = [[None if cell is None else printable(cell) for cell in row] for row in rows]
    widths = [
        max(
            [cell_len(column.name), cell_len(column.type or "")]
            + [cell_len("NULL" if row[index] is None else row[index] or "") for row in texts]
        )
        for index, column in enumerate(columns)
    ]
    if not cut:
        console.print(_table(columns, texts, widths, range(len(columns)), fold=True))
        return Drawn(0, values_cut=False)
    room = console.width - 1
    limit, shown = _fit(widths, room)
    console.print(
        _table(columns, texts, [min(width, limit) for width in widths], shown, fold=False)
    )
    values_cut = any(widths[index] > limit for index in shown)
    return Drawn(len(columns) - len(shown), values_cut)


def draw_fields(console: Console, fields: Sequence[tuple[str, str]]) -> None:
    """Draw labels and what they stand for, one to a line."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in fields:
        table.add_row(label, printable(value))
    console.print(table)


def _fit(widths: Sequence[int], room: int) -> tuple[int, Sequence[int]]:
    """How wide a value may be, and which columns are shown."""
    everything = range(len(widths))
    for limit in (room, WIDEST_CELL, 40, 30, NARROWEST_CUT):
        if sum(min(width, limit) + _PADDING for width in widths) <= room:
            return limit, everything
    # As many as fit, from both ends in turn: keys stand first, and what was computed last.
    room -= len(_LEFT_OUT) + _PADDING
    first: list[int] = []
    last: list[int] = []
    left = list(everything)
    while left:
        from_front = len(first) <= len(last)
        index = left[0] if from_front else left[-1]
        room -= min(widths[index], NARROWEST_CUT) + _PADDING
        if room < 0 and first:
            break
        (first if from_front else last).append(index)
        left.remove(index)
    return NARROWEST_CUT, [*first, *reversed(last)]


def _table(
    columns: Sequence[GridColumn],
    rows: Sequence[Cells],
    widths: Sequence[int],
    shown: Sequence[int],
    *,
    fold: bool,
) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    gap = next(
        (place for place, index in enumerate(shown) if place and index != shown[place - 1] + 1),
        None,
    )
    for place, index in enumerate(shown):
        if place == gap:
            table.add_column(_LEFT_OUT, no_wrap=True)
        column = columns[index]
        table.add_column(
            _title(column),
            justify="right" if column.numeric else "left",
            no_wrap=not fold,
            overflow="fold" if fold else "ellipsis",
            max_width=None if fold else widths[index],
        )
    for row in rows:
        cells: list[Text] = []
        for place, index in enumerate(shown):
            if place == gap:
                cells.append(Text(_LEFT_OUT, style="dim"))
            value = row[index]
            cells.append(Text("NULL", style="dim") if value is None else Text(value))
        table.add_row(*cells)
    return table


def _title(column: GridColumn) -> Text:
    title = Text(printable(column.name))
    if column.type is not None:
        title.append(f"\n{printable(column.type.lower())}", style="dim not bold")
    return title
