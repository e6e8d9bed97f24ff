"""Uploads: one request where that is possible, else parts; whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from urllib3 import BaseHTTPResponse

from adapters.minio.abandoned import AbandonedUploads
from adapters.minio.client import S3Client, S3Request
from adapters.minio.config import MinioLimits
from adapters.minio.content import (
    Bytes,
    ContentError,
    Part,
    Splitter,
    exactly,
    parts,
    pulled,
)
from adapters.minio.errors import domain_errors
from adapters.minio.multipart import MAX_PARTS, MultipartUpload
from domain.datasets import ObjectRef
from domain.errors import TooLargeError, UnavailableError, UpstreamTimeoutError


@dataclass(frozen=True, slots=True)
class Upload:
    """What is to be written.

    Attributes:
        ref: Where.
        properties: The media type and metadata, as headers.
        conditions: When the write may take effect, as headers; none for always.
    """

    ref: ObjectRef
    properties: Mapping[str, str]
    conditions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """What the store says of a write.

    Attributes:
        size: How many bytes were written.
        etag: The new object's entity tag; empty when the store did not say it.
        at: The store's time of its answer.
    """

    size: int
    etag: str
    at: datetime


class Uploader:
    """Writes objects. Holds no more of one in memory than the limits say."""

    def __init__(self, client: S3Client, limits: MinioLimits) -> None:
        self._client = client
        self._limits = limits
        self._abandoned = AbandonedUploads()

    def put(self, upload: Upload, content: Iterable[bytes], size: int | None) -> Written:
        """Write the content; `size` is how many bytes it has, when that is known.

        When it raises, nothing of the new object stays. If the store's last answer was lost
        on its way, though, the store may have the object as a whole: nobody can know.

        Raises:
            The domain's errors, and what `content` raises.
        """
        chunks = pulled(content)
        try:
            if size is None:
                return self._of_unknown_size(upload, parts(chunks, self._limits.part_size))
            if size == 0:
                # Nothing must come of the content before the store hears of an empty object.
                return self._at_once(upload, tuple(exactly(chunks, 0)), 0)
            if size <= self._limits.max_single_put:
                return self._at_once(upload, exactly(chunks, size), size)
            return self._of_great_size(upload, exactly(chunks, size), size)
        except ContentError as error:
            original = error.original
        raise original

    def close(self) -> None:
        """Stop what is tried in the background."""
        self._abandoned.close()

    def _at_once(self, upload: Upload, pieces: Iterable[Bytes], size: int) -> Written:
        headers = {**upload.properties, **upload.conditions, "Content-Length": str(size)}
        ref = upload.ref
        request = S3Request("PUT", str(ref.bucket), str(ref.name), headers=headers)
        with domain_errors(ref=ref):
            response = self._client.send(request, pieces)
        return _written(size, response.headers.get("etag"), response)

    def _of_great_size(self, upload: Upload, chunks: Iterator[bytes], size: int) -> Written:
        part_size = self._limits.max_single_put
        if size > part_size * MAX_PARTS:
            raise TooLargeError(f"An object has at most {part_size * MAX_PARTS} bytes.")
        splitter = Splitter(chunks)
        with self._begun(upload, at_once=1) as multipart:
            for start in range(0, size, part_size):
                length = min(part_size, size - start)
                multipart.send(splitter.take(length), length)
            response = multipart.complete(upload.conditions)
        return _written(size, multipart.etag, response)

    def _of_unknown_size(self, upload: Upload, cut: Iterator[Part]) -> Written:
        first = next(cut)
        if first.last:
            return self._at_once(upload, first.pieces, first.size)
        size = first.size
        with self._begun(upload, self._limits.parts_on_their_way) as multipart:
            multipart.send_meanwhile(first)
            del first
            for part in cut:
                size += part.size
                multipart.send_meanwhile(part)
            response = multipart.complete(upload.conditions)
        return _written(size, multipart.etag, response)

    @contextmanager
    def _begun(self, upload: Upload, at_once: int) -> Iterator[MultipartUpload]:
        multipart = MultipartUpload.begin(self._client, upload.ref, upload.properties, at_once)
        try:
            yield multipart
        except (UnavailableError, UpstreamTimeoutError):
            # Who has waited for a store that is ill is not made to wait for it twice.
            self._abandoned.abort_later(multipart)
            raise
        except BaseException:
            self._abandoned.abort(multipart)
            raise


def _written(size: int, etag: str | None, response: BaseHTTPResponse) -> Written:
    try:
        at = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        at = datetime.now(UTC)
    return Written(size, (etag or "").strip('"'), at)
