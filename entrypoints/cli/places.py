"""Objects as a command line names them, and as their records tell of them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from domain.datasets import BucketName, ObjectInfo, ObjectName, ObjectRef
from entrypoints.cli.usage import UsageError

Place = Annotated[str, typer.Argument(metavar="BUCKET/KEY", help="An object: its bucket and key.")]


def object_ref(place: str) -> ObjectRef:
    """Read `bucket/key`, or `s3://bucket/key`.

    Raises:
        UsageError: When it is neither.
        InvalidError: When a name is against the rules.
    """
    bucket, slash, key = place.removeprefix("s3://").partition("/")
    if not slash or not key:
        raise UsageError(f"An object goes by BUCKET/KEY; {place!r} is not that.")
    return ObjectRef(BucketName(bucket), ObjectName(key))


def object_record(info: ObjectInfo) -> dict[str, Any]:
    """What is known of an object."""
    # The API's own words. Late: its models take time to build, and --help does without.
    from entrypoints.rest.models.datasets import ObjectAnswer  # noqa: PLC0415

    return ObjectAnswer.of(info).model_dump(mode="json")
