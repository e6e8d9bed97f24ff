"""Draws docs/explanation/queries.svg from the measurements beside it.

python -m benchmarks.queries docs/explanation/queries.csv
python -m scripts.plot_queries
"""

# ruff: noqa: INP001 - a script

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

DIRECTORY = Path(__file__).parents[1] / "docs" / "explanation"
MEASURED = DIRECTORY / "queries.csv"
PLOT = DIRECTORY / "queries.svg"

WIDTH, LEFT, TOP, BAR, GAP = 800, 330, 46, 18, 14
LENGTH = 400
TITLE = "Time over HTTP, as a multiple of the time it is compared with (line: the target)"
OURS, TARGET = "#0072b2", "#d55e00"


def plot() -> str:
    """The drawing, from the measurements as they are now."""
    with MEASURED.open() as file:
        rows = list(csv.DictReader(file))
    longest = max(max(_ratio(row), float(row["target"])) for row in rows)
    height = TOP + len(rows) * (BAR + GAP) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}">',
        "<style>text { font: 12px sans-serif }</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="10" y="22" font-weight="bold">{TITLE}</text>',
    ]
    for index, row in enumerate(rows):
        parts += _bar(row, TOP + index * (BAR + GAP), LENGTH / longest)
    return "\n".join([*parts, "</svg>", ""])


def _bar(row: Mapping[str, str], y: int, scale: float) -> list[str]:
    ratio, target = _ratio(row), LEFT + float(row["target"]) * scale
    text = y + BAR - 5
    return [
        f'<text x="{LEFT - 8}" y="{text}" text-anchor="end">{row["what"]}</text>',
        f'<rect x="{LEFT}" y="{y}" width="{ratio * scale:.1f}" height="{BAR}" fill="{OURS}"/>',
        f'<path d="M{target:.1f},{y - 4} v{BAR + 8}" stroke="{TARGET}" stroke-width="2"/>',
        f'<text x="{LEFT + LENGTH + 10}" y="{text}">{ratio:.2f}</text>',
    ]


def _ratio(row: Mapping[str, str]) -> float:
    return float(row["service_ms"]) / float(row["other_ms"])


def main() -> None:
    """Write the drawing."""
    PLOT.write_text(plot())


if __name__ == "__main__":
    main()
