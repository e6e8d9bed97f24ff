"""Transfers: `ducklake datasets put` and `get`."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated

import typer

from application.datasets.download import DownloadObjectCommand
from application.datasets.upload import UploadObjectCommand
from domain.datasets import (
    MediaType,
    ObjectMetadata,
    ObjectRef,
    WriteCondition,
)
from entrypoints.cli.help import shows
from entrypoints.cli.local_files import STANDARD_STREAM, file_size, read_chunks
from entrypoints.cli.options import FormatOfRecord, InputFile
from entrypoints.cli.output import (
    destination,
    on_terminal,
    print_outcome,
    say,
)
from entrypoints.cli.places import Place, object_record, object_ref
from entrypoints.cli.progress import counted, progress
from entrypoints.cli.session import Session, session_of
from entrypoints.cli.shown import size
from entrypoints.cli.usage import UsageError, split_pairs

if TYPE_CHECKING:
    from domain.datasets import PutOutcome
    from entrypoints.container import Container

_TEXTS = frozenset({"application/json", "application/x-ndjson", "application/xml"})


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
    print_outcome(object_record(outcome.info), sentence, output_format)


def _target(place: str, file: str) -> ObjectRef:
    if not place.endswith("/"):
        return object_ref(place)
    if file == STANDARD_STREAM:
        raise UsageError("Stdin has no name: write the whole key.")
    return object_ref(place + PurePath(file).name)


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
    ref = object_ref(place)
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
