"""Names in paths: taken from the path as it came, and decoded exactly once.

Dependencies are `async` so that the framework calls them, and no thread of its own does.
"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import quote, unquote_to_bytes

from fastapi import Depends, Path
from starlette.types import Scope

from domain.datasets import BucketName, ObjectName, ObjectRef
from domain.errors import MalformedPathError
from domain.tables import TableName
from entrypoints.rest.locations import Part, located

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def routing_path(scope: Scope) -> str:
    """The path as it came, in the one form by which routes know it.

    Escapes stay, but for those of characters that need none (RFC 3986, 6.2.2.2).

    Raises:
        MalformedPathError: When an escape is no escape, or they make no UTF-8.
    """
    raw = scope.get("raw_path")
    if raw is None:
        path = quote(scope["path"], safe="/!$&'()*+,;=:@-._~")
    else:
        path = quote(raw, safe="/!$&'()*+,;=:@-._~%\"<>[]\\^`{|}?# ")
    if _BAD_ESCAPE.search(path):
        raise MalformedPathError("A '%' in the path is followed by two hexadecimal digits.")
    decoded(path)
    return _ESCAPE.sub(_unescaped_if_plain, path)


def _unescaped_if_plain(match: re.Match[str]) -> str:
    char = chr(int(match[1], 16))
    return char if char in _UNRESERVED else match[0].upper()


def decoded(text: str) -> str:
    """A part of the path, decoded.

    Raises:
        MalformedPathError: When it is not UTF-8.
    """
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError as error:
        raise MalformedPathError("The path is not UTF-8.") from error


async def table_name_of(
    table_name: Annotated[
        str,
        Path(
            description="`name` or `namespace.name`; the default namespace is `main`.",
            examples=["flights"],
        ),
    ],
) -> TableName:
    """The table that a path names.

    Raises:
        LocatedError: When the name is against the rules.
        MalformedPathError: When it is not UTF-8.
    """
    with located(Part.PATH, "table_name"):
        return TableName.parse(decoded(table_name))


async def _bucket_name(
    bucket_name: Annotated[
        str, Path(description="A bucket's name, by S3's naming rules.", examples=["raw-data"])
    ],
) -> BucketName:
    with located(Part.PATH, "bucket_name"):
        return BucketName(decoded(bucket_name))


TablePathName = Annotated[TableName, Depends(table_name_of)]
BucketPathName = Annotated[BucketName, Depends(_bucket_name)]


async def _object_ref(
    bucket: BucketPathName,
    object_name: Annotated[
        str,
        Path(
            description="An object's name: all of the path behind the bucket, slashes included.",
            examples=["2013/flights.parquet"],
        ),
    ],
) -> ObjectRef:
    with located(Part.PATH, "object_name"):
        return ObjectRef(bucket, ObjectName(decoded(object_name)))


def object_path(ref: ObjectRef) -> str:
    """The path of an object."""
    return f"/datasets/{ref.bucket}/{quote(str(ref.name))}"


def prefix_path(bucket: BucketName, prefix: str) -> str:
    """The path that lists the objects of a prefix."""
    return f"/datasets/{bucket}?prefix={quote(prefix, safe='/')}"


ObjectPathRef = Annotated[ObjectRef, Depends(_object_ref)]
