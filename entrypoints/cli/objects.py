"""Objects: `ducklake datasets ls`, `put`, `get`, `stat` and `rm`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated, Any

import typer

from application.datasets.download import DownloadObjectCommand
from application.datasets.objects import DeleteObjectCommand, ListObjectsCommand
from application.datasets.upload import UploadObjectCommand
from domain.datasets import (
    BucketName,
    ListRequest,
    MediaType,
    ObjectInfo,
    ObjectMetadata,
    ObjectName,
    ObjectRef,
    WriteCondition,
)
from entrypoints.cli.help import shows
from entrypoints.cli.local_files import STANDARD_STREAM, file_size, read_chunks
from entrypoints.cli.options import BucketArgument, FormatOfList, FormatOfRecord, InputFile, Yes
from entrypoints.cli.output import (
    Shown,
    destination,
    on_terminal,
    print_outcome,
    print_record,
    print_records,
    say,
)
from entrypoints.cli.progress import counted, progress
from entrypoints.cli.session import Session, session_of
from entrypoints.cli.shown import moment, size
from entrypoints.cli.usage import UsageError, confirm, split_pairs

if TYPE_CHECKING:
    from domain.datasets import PutOutcome
    from entrypoints.container import Container

_TEXTS = frozenset({"application/json", "application/x-ndjson", "application/xml"})

Place = Annotated[str, typer.Argument(metavar="BUCKET/KEY", help="An object: its bucket and key.")]


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


@shows(
    "ducklake datasets put flights.csv raw-data/2013/flights.csv",
    "ducklake datasets put flights.csv raw-data/2013/",
    "pg_dump shop | ducklake datasets put - backups/shop.sql --metadata source=shop",
)
def put(
    context: typer.Context,
    file: InputFile,
    place: Annotated[
        str,
        typer.Argument(
            metavar="BUCKET/KEY",
            help="Where it goes; a key that ends with / gets the file's name behind it.",
        ),
    ],
    media_type: Annotated[
        str | None,
        typer.Option(
            metavar="TYPE", help="What it is, as in Content-Type; guessed from the key by default."
        ),
    ] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="User metadata, kept with the object."),
    ] = None,
    if_none_match: Annotated[
        bool, typer.Option("--if-none-match", help="Only when there is no object of that key.")
    ] = False,
    output_format: FormatOfRecord = None,
) -> None:
    """Upload a file; an object that was there is replaced as a whole."""
    session = session_of(context)
    ref = _target(place, file)
    kind = MediaType(media_type) if media_type is not None else None
    entries = ObjectMetadata(split_pairs(metadata or [], "--metadata"))
    condition = WriteCondition(if_none_match=if_none_match)

    def upload(lake: Container) -> PutOutcome:
        total = file_size(file)
        with progress("Uploading", total) as advance:
            body = counted(session.watched(read_chunks(file)), advance)
            command = UploadObjectCommand(ref, body, total, kind, entries, condition)
            return lake.upload_object()(command).value

    outcome = session.run(upload)
    done = "Uploaded" if outcome.created else "Replaced"
    sentence = f"{done} {ref} ({size(outcome.info.size)}, {outcome.info.media_type})."
    print_outcome(_record(outcome.info), sentence, output_format)


def _target(place: str, file: str) -> ObjectRef:
    if not place.endswith("/"):
        return _ref(place)
    if file == STANDARD_STREAM:
        raise UsageError("Stdin has no name: write the whole key.")
    return _ref(place + PurePath(file).name)


@shows(
    "ducklake datasets get raw-data/2013/flights.csv",
    "ducklake datasets get raw-data/2013/flights.csv copy.csv",
    "ducklake datasets get raw-data/2013/flights.csv - | wc -l",
)
def get(
    context: typer.Context,
    place: Place,
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            help="Where it goes: a file, a directory, or - for stdout. By default the key's "
            "last part, here; then a file that is there stays.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Download an object; the file appears when it is whole."""
    session = session_of(context)
    ref = _ref(place)
    output = _local_name(ref, file)
    written = session.run(lambda lake: _download(session, lake, ref, output))
    if output != STANDARD_STREAM:
        say(f"Downloaded {ref} to {output} ({size(written)}).")


def _download(session: Session, lake: Container, ref: ObjectRef, output: str) -> int:
    download = lake.download_object()(DownloadObjectCommand(ref)).value
    assert download.body is not None  # noqa: S101 - nothing was asked that would leave it out
    to_stdout = output == STANDARD_STREAM
    with (
        session.stoppable(download.body) as body,
        progress("Downloading", download.info.size, stdout_is_used=to_stdout) as advance,
    ):
        if to_stdout and on_terminal() and not _is_text(download.info.media_type):
            raise UsageError(
                f"{ref} is {download.info.media_type}, and nothing for a terminal: "
                "name a file, or pipe it on."
            )
        with destination(output) as sink:
            for chunk in counted(session.watched(body), advance):
                sink.write(chunk)
    return download.info.size


def _local_name(ref: ObjectRef, file: str | None) -> str:
    own = str(ref.name).rstrip("/").rpartition("/")[2]
    if file == STANDARD_STREAM:
        return file
    if file is None:
        if not own:
            raise UsageError(f"{ref} gives no name for a file: say where it is to go.")
        if Path(own).exists():
            raise UsageError(f"There is a file {own!r} here already: say where it is to go.")
        return own
    if Path(file).is_dir():
        return str(Path(file) / own)
    if file.endswith("/"):
        raise UsageError(f"There is no directory {file!r}.")
    return file


def _is_text(media_type: str) -> bool:
    plain = media_type.partition(";")[0].strip().lower()
    return plain.startswith("text/") or plain in _TEXTS or plain.endswith(("+json", "+xml"))


@shows("ducklake datasets stat raw-data/2013/flights.csv")
def stat(context: typer.Context, place: Place, output_format: FormatOfRecord = None) -> None:
    """Say what an object is."""
    command = DownloadObjectCommand(_ref(place))
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
    print_record(_record(info), shown, output_format)


@shows(
    "ducklake datasets rm raw-data/2013/flights.csv",
    "ducklake datasets rm raw-data/2013/flights.csv --yes",
)
def rm(context: typer.Context, place: Place, yes: Yes = False) -> None:
    """Delete an object; one that is not there is no error, as in S3."""
    ref = _ref(place)
    confirm(f"Delete the object {ref}?", yes=yes)
    session_of(context).run(lambda lake: lake.delete_object()(DeleteObjectCommand(ref)))
    say(f"Deleted {ref}.")


def _ref(place: str) -> ObjectRef:
    bucket, slash, key = place.removeprefix("s3://").partition("/")
    if not slash or not key:
        raise UsageError(f"An object goes by BUCKET/KEY; {place!r} is not that.")
    return ObjectRef(BucketName(bucket), ObjectName(key))


def _record(info: ObjectInfo) -> dict[str, Any]:
    # The API's own words. Late: its models take time to build, and --help does without.
    from entrypoints.rest.models.datasets import ObjectAnswer  # noqa: PLC0415

    return ObjectAnswer.of(info).model_dump(mode="json")
