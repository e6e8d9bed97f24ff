"""What appends and loads did, as the command tells it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from application.runs import Done
from domain.growth import OnNewColumns
from domain.tables import AppendOutcome, Column
from entrypoints.cli.formats import RecordFormat
from entrypoints.cli.output import print_outcome
from entrypoints.cli.shown import rows

OnNewColumnsOption = Annotated[
    OnNewColumns,
    typer.Option(
        help="What to do with columns that the table lacks, and with numbers that "
        "are too large for its columns."
    ),
]


def tell_appended(
    done: Done[Any],
    outcome: AppendOutcome,
    did: str,
    on_new_columns: OnNewColumns,
    output_format: RecordFormat | None,
) -> None:
    """Print what came of rows that were added.

    Args:
        done: The run.
        outcome: What it did.
        did: What was done, around the number of rows: `Appended {} to flights`.
        on_new_columns: Whether the table could grow.
        output_format: How it is shown.
    """
    record: dict[str, Any] = {
        "rows_appended": outcome.rows_appended,
        "snapshot_id": outcome.snapshot_id,
        "run_id": done.run_id,
    }
    if on_new_columns is not OnNewColumns.ERROR:
        record["columns_added"] = _columns(outcome.columns_added)
        record["columns_widened"] = _columns(outcome.columns_widened)
    sentence = f"{did.format(rows(outcome.rows_appended))} (snapshot {outcome.snapshot_id})."
    for verb, grown in (("Added", outcome.columns_added), ("Widened", outcome.columns_widened)):
        if grown:
            sentence += f" {verb} {', '.join(f'{each.name} {each.type}' for each in grown)}."
    if done.replayed:
        sentence = f"This was done before. {sentence}"
    print_outcome(record, sentence, output_format)


def _columns(columns: Iterable[Column]) -> list[dict[str, str]]:
    return [{"name": column.name, "type": str(column.type)} for column in columns]
