"""Buckets: `ducklake datasets list`, `create` and `delete`."""

from __future__ import annotations

import typer

from application.datasets.buckets import BucketCommand, ListBucketsCommand
from domain.datasets import BucketName
from entrypoints.cli.help import shows
from entrypoints.cli.options import BucketArgument, FormatOfList, FormatOfRecord, Yes
from entrypoints.cli.output import Shown, print_outcome, print_records, say
from entrypoints.cli.session import session_of
from entrypoints.cli.shown import moment
from entrypoints.cli.usage import confirm


@shows("ducklake datasets list", "ducklake datasets list --format csv")
def list_buckets(context: typer.Context, output_format: FormatOfList = None) -> None:
    """List the buckets."""
    found = session_of(context).run(lambda lake: lake.list_buckets()(ListBucketsCommand())).value
    print_records(
        ("name", "created_at"),
        [{"name": bucket.name, "created_at": bucket.created_at} for bucket in found],
        output_format,
        [Shown("name", "bucket"), Shown("created_at", "created", moment)],
    )


@shows("ducklake datasets create raw-data")
def create(
    context: typer.Context, bucket: BucketArgument, output_format: FormatOfRecord = None
) -> None:
    """Make a bucket."""
    command = BucketCommand(BucketName(bucket))
    made = session_of(context).run(lambda lake: lake.create_bucket()(command)).value
    record = {"name": made.name, "created_at": made.created_at}
    print_outcome(record, f"Made the bucket {made.name}.", output_format)


@shows("ducklake datasets delete raw-data", "ducklake datasets delete raw-data --yes")
def delete(context: typer.Context, bucket: BucketArgument, yes: Yes = False) -> None:
    """Delete an empty bucket."""
    command = BucketCommand(BucketName(bucket))
    confirm(f"Delete the bucket {command.bucket}?", yes=yes)
    session_of(context).run(lambda lake: lake.delete_bucket()(command))
    say(f"Deleted the bucket {command.bucket}.")
