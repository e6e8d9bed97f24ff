"""Draws docs/explanation/small-appends.svg from the measurements beside it.

python -m benchmarks.small_appends 10000 > docs/explanation/small-appends.csv
python -m scripts.plot_small_appends
"""

# ruff: noqa: INP001 - a script

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DIRECTORY = Path(__file__).parents[1] / "docs" / "explanation"
MEASURED = DIRECTORY / "small-appends.csv"
PLOT = DIRECTORY / "small-appends.svg"

WIDTH, HEIGHT = 340, 240
LEFT, TOP, GAP = 60, 40, 90
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")

Line = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """One diagram.

    Attributes:
        title: What its height stands for.
        lines: A line for each case, of the number of appends and that height.
    """

    title: str
    lines: Mapping[str, Line]


def plot() -> str:
    """The drawing, from the measurements as they are now."""
    with MEASURED.open() as file:
        rows = list(csv.DictReader(file))
    panels = [
        Panel("append: times that of a small lake", _lines(rows, "append_ms", "small_append_ms")),
        Panel("sum over all rows, ms", _lines(rows, "scan_ms")),
    ]
    width = LEFT + len(panels) * (WIDTH + GAP)
    cases = list(panels[0].lines)
    height = TOP + HEIGHT + 60 + 20 * len(cases)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">',
        "<style>text { font: 12px sans-serif }</style>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for index, panel in enumerate(panels):
        parts += _panel(panel, LEFT + index * (WIDTH + GAP))
    for index, case in enumerate(cases):
        y = TOP + HEIGHT + 60 + 20 * index
        parts.append(
            f'<rect x="{LEFT}" y="{y - 9}" width="18" height="4" fill="{COLOURS[index]}"/>'
        )
        parts.append(f'<text x="{LEFT + 26}" y="{y}">{case}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _lines(rows: Sequence[Mapping[str, str]], column: str, over: str = "") -> dict[str, Line]:
    lines: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        value = float(row[column]) / (float(row[over]) if over else 1)
        lines.setdefault(_case(row), []).append((float(row["appends"]), value))
    return dict(lines)


def _case(row: Mapping[str, str]) -> str:
    flushed = f", flushed every {row['flush_every']}" if row["flush_every"] != "0" else ""
    return (
        f"catalog in {row['catalog']}: appends of {row['rows']}, "
        f"up to {row['inline_rows']} rows stay in it{flushed}"
    )


def _panel(panel: Panel, left: float) -> list[str]:
    points = [point for line in panel.lines.values() for point in line]
    first, last = min(x for x, _ in points), max(x for x, _ in points)
    top = max(y for _, y in points) * 1.1

    def place(x: float, y: float) -> str:
        along = math.log(x / first) / math.log(last / first)
        return f"{left + along * WIDTH:.1f},{TOP + HEIGHT * (1 - y / top):.1f}"

    parts = [
        f'<text x="{left}" y="{TOP - 15}" font-weight="bold">{panel.title}</text>',
        f'<path d="M{left},{TOP} V{TOP + HEIGHT} H{left + WIDTH}" fill="none" stroke="black"/>',
        f'<text x="{left}" y="{TOP + HEIGHT + 34}">appends made before</text>',
    ]
    for x in sorted({x for x, _ in points}):
        at = place(x, 0).partition(",")[0]
        parts.append(f'<text x="{at}" y="{TOP + HEIGHT + 16}" text-anchor="middle">{x:.0f}</text>')
    for step in range(5):
        y = top * step / 4
        down = place(first, y).partition(",")[2]
        parts.append(f'<text x="{left - 6}" y="{down}" text-anchor="end">{y:.1f}</text>')
        parts.append(f'<path d="M{left},{down} h{WIDTH}" stroke="#dddddd"/>')
    for index, line in enumerate(panel.lines.values()):
        drawn = " ".join(place(x, y) for x, y in line)
        parts.append(
            f'<polyline points="{drawn}" fill="none" stroke="{COLOURS[index]}" stroke-width="2"/>'
        )
    return parts


def main() -> None:
    """Write the drawing."""
    PLOT.write_text(plot())


if __name__ == "__main__":
    main()
