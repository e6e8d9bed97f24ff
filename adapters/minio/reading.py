"""Reading objects: only ever the bytes of the object that was opened."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from minio import Minio
from minio.datatypes import Object
from urllib3 import BaseHTTPResponse

from adapters.minio.errors import domain_errors
from adapters.minio.metadata import metadata_of
from domain.datasets import (
    DEFAULT_MEDIA_TYPE,
    ByteRange,
    ByteStream,
    ObjectInfo,
    ObjectRef,
    OpenObject,
)
from domain.errors import (
    BadUpstreamError,
    BucketNotFoundError,
    ObjectNotFoundError,
    PreconditionFailedError,
    UnavailableError,
)

_CHUNK_SIZE = 1024 * 1024
_STOPPED = "The reading was stopped."


def info_of(ref: ObjectRef, stat: Object) -> ObjectInfo:
    """What the store says of an object.

    Raises:
        BadUpstreamError: When it does not say when the object was written.
    """
    if stat.last_modified is None or stat.size is None:
        raise BadUpstreamError("The object store does not say how large or old an object is.")
    return ObjectInfo(
        ref=ref,
        size=stat.size,
        etag=stat.etag or "",
        media_type=stat.content_type or DEFAULT_MEDIA_TYPE,
        metadata=metadata_of(stat.metadata or {}),
        last_modified=stat.last_modified,
    )


class MinioObject(OpenObject):
    """An object that was looked at; its bytes are asked for when they are read.

    They are asked for by the entity tag that was seen, so they are the ones that `info`
    speaks of, or none.
    """

    def __init__(self, client: Minio, info: ObjectInfo) -> None:
        self._client = client
        self._info = info
        self._stream: ByteStream | None = None

    @property
    def info(self) -> ObjectInfo:
        """What the object is."""
        return self._info

    def read(self, part: ByteRange | None = None) -> ByteStream:
        """Its bytes, or a part of them.

        Raises:
            PreconditionFailedError: When it was replaced or deleted since.
        """
        part = part or ByteRange(0, self._info.size)
        if part.length == 0:
            self._stream = _NoBytes()
            return self._stream
        try:
            self._stream = _Answer(self._ask_for(part), self._info.ref, part.length)
        except (BucketNotFoundError, ObjectNotFoundError) as error:
            raise PreconditionFailedError(
                f"The object {self._info.ref} was deleted as it was to be read."
            ) from error
        return self._stream

    def _ask_for(self, part: ByteRange) -> BaseHTTPResponse:
        ref = self._info.ref
        whole = part.length == self._info.size
        with domain_errors(ref=ref):
            return self._client.get_object(
                str(ref.bucket),
                str(ref.name),
                offset=0 if whole else part.start,
                length=0 if whole else part.length,
                request_headers={"If-Match": f'"{self._info.etag}"'},
            )

    def close(self) -> None:
        """Give back what is held. May be called twice."""
        if self._stream is not None:
            self._stream.close()


class _NoBytes(ByteStream):
    """Of an empty object or part, S3 cannot be asked by a range, and need not."""

    def __iter__(self) -> Iterator[bytes]:
        yield from ()

    def close(self) -> None:
        """Nothing is held."""


class _Answer(ByteStream):
    """The bytes of an answer: as many as were asked for, or an error."""

    def __init__(self, response: BaseHTTPResponse, ref: ObjectRef, size: int) -> None:
        self._response = response
        self._ref = ref
        self._size = size
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        # Stored as it is: what was compressed by its owner comes compressed.
        chunks = self._response.stream(_CHUNK_SIZE, decode_content=False)
        missing = self._size
        while (chunk := self._next(chunks)) is not None:
            missing -= len(chunk)
            if missing < 0:
                break
            yield chunk
        if missing:
            if self._closed.is_set():
                raise UnavailableError(_STOPPED)
            self.close()
            raise BadUpstreamError(
                f"The object store sent another number of bytes of {self._ref} than it has."
            )
        self._response.release_conn()

    def _next(self, chunks: Iterator[bytes]) -> bytes | None:
        with domain_errors(ref=self._ref):
            try:
                return next(chunks, None)
            except Exception as error:
                self._response.close()
                if self._closed.is_set():
                    raise UnavailableError(_STOPPED) from error
                raise

    def close(self) -> None:
        """Break the connection off, unless all was read. May be called twice, by any thread."""
        if self._closed.is_set():
            return
        self._closed.set()
        try:
            # Another thread may wait for bytes: this wakes it.
            self._response.shutdown()
        except (OSError, RuntimeError, ValueError):
            # Nothing to wake: the answer was read out, and its connection given back.
            return
        self._response.close()
