"""Objects: `ducklake datasets ls`, `stat` and `rm`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from application.datasets.download import DownloadObjectCommand
from application.datasets.objects import DeleteObjectCommand, ListObjectsCommand
from domain.datasets import (
    BucketName,
    ListRequest,
)
from entrypoints.cli.help import shows
from entrypoints.cli.options import BucketArgument, FormatOfList, FormatOfRecord, Yes
from entrypoints.cli.output import Shown, print_record, print_records, say
from entrypoints.cli.places import Place, object_record, object_ref
from entrypoints.cli.session import session_of
from entrypoints.cli.shown import moment, size
from entrypoints.cli.usage import confirm

if TYPE_CHECKING:
    from entrypoints.container import Container


@shows(
    "ducklake datasets ls raw-data",
    "ducklake datasets ls raw-data --prefix 2013/ --delimiter /",
    "ducklake datasets ls raw-data --format ndjson | head",
)
def ls(
    context: typer.Context,
    bucket: BucketArgument,
    prefix: Annotated[
        str, typer.Option(metavar="TEXT", help="Only keys that begin with this.")
    ] = "",
    delimiter: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Roll up keys that hold this behind the prefix: / lists like a directory.",
        ),
    ] = None,
    output_format: FormatOfList = None,
) -> None:
    """List a bucket's objects, all of them.

    What a delimiter rolled up stands among them with no size.
    """
    session = session_of(context)
    name = BucketName(bucket)
    fields = ("name", "size", "etag", "last_modified")
    session.run(
        lambda lake: print_records(
            fields,
            session.watched(_listed(lake, name, prefix, delimiter or None)),
            output_format,
            [
                Shown("last_modified", "last modified", moment),
                Shown("size", "size", size, numeric=True),
                Shown("name", "key"),
            ],
        )
    )


def _listed(
    lake: Container, bucket: BucketName, prefix: str, delimiter: str | None
) -> Iterator[dict[str, Any]]:
    request: ListRequest | None = ListRequest(prefix, delimiter)
    while request is not None:
        page = lake.list_objects()(ListObjectsCommand(bucket, request)).value
        entries: list[dict[str, Any]] = [
            {
                "name": found.name,
                "size": found.size,
                "etag": found.etag,
                "last_modified": found.last_modified,
            }
            for found in page.objects
        ]
        entries += [
            {"name": rolled_up, "size": None, "etag": None, "last_modified": None}
            for rolled_up in page.prefixes
        ]
        yield from sorted(entries, key=lambda entry: str(entry["name"]).encode())
        after = page.next_after
        request = ListRequest(prefix, delimiter, after=after) if after is not None else None


@shows("ducklake datasets stat raw-data/2013/flights.csv")
def stat(context: typer.Context, place: Place, output_format: FormatOfRecord = None) -> None:
    """Say what an object is."""
    command = DownloadObjectCommand(object_ref(place))
    info = session_of(context).run(lambda lake: lake.describe_object()(command)).value.info
    shown = [
        ("object", str(info.ref)),
        ("size", size(info.size)),
        ("bytes", f"{info.size:,}"),
        ("media type", info.media_type),
        ("etag", info.etag),
        ("last modified", moment(info.last_modified)),
        *((f"metadata {name}", value) for name, value in info.metadata.entries.items()),
    ]
    print_record(object_record(info), shown, output_format)


@shows(
    "ducklake datasets rm raw-data/2013/flights.csv",
    "ducklake datasets rm raw-data/2013/flights.csv --yes",
)
def rm(context: typer.Context, place: Place, yes: Yes = False) -> None:
    """Delete an object; one that is not there is no error, as in S3."""
    ref = object_ref(place)
    confirm(f"Delete the object {ref}?", yes=yes)
    session_of(context).run(lambda lake: lake.delete_object()(DeleteObjectCommand(ref)))
    say(f"Deleted {ref}.")
