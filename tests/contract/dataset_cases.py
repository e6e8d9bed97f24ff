"""What the dataset suite asks stores with: short calls, names, and a model of a listing."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import NamedTuple

from hypothesis import strategies as st

from domain.datasets import (
    MAX_OBJECT_NAME_BYTES,
    MAX_SEGMENT_BYTES,
    BucketName,
    ByteRange,
    ListRequest,
    MediaType,
    ObjectMetadata,
    ObjectName,
    ObjectPage,
    ObjectRef,
    PutOutcome,
    WriteCondition,
)
from domain.ports.datasets import DatasetCapabilities, DatasetPort

ANYWAY = WriteCondition()
NO_METADATA = ObjectMetadata()


def new_bucket_name() -> BucketName:
    return BucketName(f"t-{uuid.uuid4().hex}")


@contextmanager
def fresh_bucket(datasets: DatasetPort) -> Iterator[BucketName]:
    """An empty bucket of one's own; what is in it at the end goes with it."""
    name = new_bucket_name()
    datasets.create_bucket(name)
    yield name
    if any(bucket.name == name.value for bucket in datasets.list_buckets()):
        empty(datasets, name)
        datasets.delete_bucket(name)


def empty(datasets: DatasetPort, bucket: BucketName) -> None:
    while objects := datasets.list_objects(bucket, ListRequest()).objects:
        for each in objects:
            datasets.delete_object(ref(bucket, each.name))


def ref(bucket: BucketName, name: str) -> ObjectRef:
    return ObjectRef(bucket, ObjectName(name))


def put(
    datasets: DatasetPort,
    bucket: BucketName,
    name: str,
    content: bytes | Iterable[bytes] = b"content",
    *,
    size: int | None = None,
    media_type: str = "text/plain",
    metadata: ObjectMetadata = NO_METADATA,
    condition: WriteCondition = ANYWAY,
) -> PutOutcome:
    return datasets.put_object(
        ref(bucket, name),
        [content] if isinstance(content, bytes) else content,
        size=size,
        media_type=MediaType(media_type),
        metadata=metadata,
        condition=condition,
    )


def read(
    datasets: DatasetPort, bucket: BucketName, name: str, part: ByteRange | None = None
) -> bytes:
    with closing(datasets.open_object(ref(bucket, name))) as opened:
        return b"".join(opened.read(part))


def pages(
    datasets: DatasetPort, bucket: BucketName, request: ListRequest | None = None
) -> Iterator[ObjectPage]:
    """All pages of a listing, each asked for with what the one before it said."""
    request = request or ListRequest()
    after = request.after
    while True:
        page = datasets.list_objects(
            bucket, ListRequest(request.prefix, request.delimiter, request.page_size, after)
        )
        yield page
        if page.next_after is None:
            return
        after = page.next_after


def entries(page: ObjectPage) -> list[str]:
    """The names and prefixes of a page, in their order."""
    return sorted([*(each.name for each in page.objects), *page.prefixes], key=order)


def listed(
    datasets: DatasetPort, bucket: BucketName, request: ListRequest | None = None
) -> list[str]:
    """The names and prefixes of all pages, page by page."""
    return [entry for page in pages(datasets, bucket, request) for entry in entries(page)]


def order(name: str) -> bytes:
    return name.encode()


class ModelPage(NamedTuple):
    """What a page should be."""

    objects: list[str]
    prefixes: list[str]
    next_after: str | None


def model_page(names: Iterable[str], request: ListRequest) -> ModelPage:
    """List names as ListObjectsV2 does, in the plainest way."""
    found: dict[str, bool] = {}
    for name in sorted(names, key=order):
        rest = name.removeprefix(request.prefix)
        if not name.startswith(request.prefix):
            continue
        if request.delimiter and request.delimiter in rest:
            rolled_up = request.prefix + rest.split(request.delimiter)[0] + request.delimiter
            found[rolled_up] = True
        else:
            found[name] = False
    behind = [
        (entry, is_prefix)
        for entry, is_prefix in found.items()
        if request.after is None or order(entry) > order(request.after)
    ]
    page = behind[: request.page_size]
    return ModelPage(
        objects=[entry for entry, is_prefix in page if not is_prefix],
        prefixes=[entry for entry, is_prefix in page if is_prefix],
        next_after=page[-1][0] if len(behind) > len(page) else None,
    )


# -- names -------------------------------------------------------------------------------

LEGAL_NAMES = (
    "plain.txt",
    "with space",
    " leading and trailing ",
    "a..b",
    "..a/b..",
    "...",
    ".hidden/.metadata",
    ".uploads",
    ".metadata/x.json",
    "quote'\"quote",
    "100%/%2F/%00%zz",
    "a+b&c=d?e#f",
    "<tag>&amp;;",
    "$HOME/`x`|*?[a]{b}~",
    "ümlaut/日本語/🦆.parquet",
    "caf\u00e9",
    "cafe\u0301",
    "\u00a0\u2028\u200b\ufeff",
    "\U0010ffff\uffff",
    "case/Name",
    "CASE/name",
    "CON/aux.txt",
    "-rf",
    "s" * MAX_SEGMENT_BYTES,
    "ü" * (MAX_SEGMENT_BYTES // 2) + "s",
    "a/" * (MAX_OBJECT_NAME_BYTES // 2 - 1) + "bc",
    "/".join("d" * MAX_SEGMENT_BYTES for _ in range(4))[:MAX_OBJECT_NAME_BYTES],
)
BACKSLASH_NAMES = ("back\\slash", "..\\up", "\\")

UNWRITABLE_NAMES = (
    "/",
    "/a",
    "a/",
    "a//b",
    "//",
    "s" * (MAX_SEGMENT_BYTES + 1),
    "a/" + "ü" * 128,
)


def legal_names(capabilities: DatasetCapabilities) -> tuple[str, ...]:
    return LEGAL_NAMES + (BACKSLASH_NAMES if capabilities.backslash else ())


def segments(capabilities: DatasetCapabilities) -> st.SearchStrategy[str]:
    excluded = "/" if capabilities.backslash else "/\\"
    letters = st.one_of(
        st.sampled_from([each for each in "ab.-0% \\\u00e9" if each not in excluded]),
        st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters=excluded),
    )
    return st.text(letters, min_size=1, max_size=60).filter(lambda text: text not in {".", ".."})


def object_names(capabilities: DatasetCapabilities) -> st.SearchStrategy[str]:
    """Names that the service may write."""
    return (
        st.lists(segments(capabilities), min_size=1, max_size=5)
        .map("/".join)
        .filter(lambda name: len(name.encode()) <= MAX_OBJECT_NAME_BYTES)
    )


def compatible(names: Iterable[str], capabilities: DatasetCapabilities) -> list[str]:
    """Of these names those that the store can hold and list side by side."""
    flat = capabilities.name_beside_prefix and capabilities.lists_name_beside_prefix
    chosen: list[str] = []
    for name in dict.fromkeys(names):
        if flat or not any(conflict(name, other) for other in chosen):
            chosen.append(name)
    return chosen


def conflict(one: str, other: str) -> bool:
    return one.startswith(f"{other}/") or other.startswith(f"{one}/")
