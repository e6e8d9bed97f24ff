"""One multipart upload ("Uploading and copying objects using multipart upload", S3 user guide)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Self
from xml.etree import ElementTree as ET

from minio.datatypes import CompleteMultipartUploadResult
from minio.error import S3Error
from minio.xml import Element, SubElement, findtext, getbytes, unmarshal
from urllib3 import BaseHTTPResponse

from adapters.minio.client import S3Client, S3Request, failure
from adapters.minio.content import Bytes, Part
from adapters.minio.errors import domain_errors
from domain.datasets import ObjectRef
from domain.errors import BadUpstreamError, TooLargeError

MAX_PARTS = 10_000


class _Begun:
    """The answer to CreateMultipartUpload."""

    def __init__(self, upload_id: str) -> None:
        self.upload_id = upload_id

    @classmethod
    def fromxml(cls, element: ET.Element) -> Self:
        upload_id = findtext(element, "UploadId", strict=True)
        if not upload_id:
            raise ValueError("The upload has no id.")
        return cls(upload_id)


class MultipartUpload:
    """An upload that was begun, and that must be completed or aborted.

    Its calls raise the domain's errors. Parts can be sent one after the other as their bytes
    come, or several at the same time from memory.

    Attributes:
        etag: The object's entity tag, once the upload is complete.
    """

    def __init__(self, client: S3Client, ref: ObjectRef, upload_id: str, at_once: int) -> None:
        self._client = client
        self._ref = ref
        self._upload_id = upload_id
        self._at_once = at_once
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="upload-part")
        self._sending: set[Future[None]] = set()
        self._etags: dict[int, str] = {}
        self._begun_parts = 0
        self.etag: str | None = None

    @classmethod
    def begin(
        cls, client: S3Client, ref: ObjectRef, headers: Mapping[str, str], at_once: int
    ) -> Self:
        """Begin an upload of an object with these headers.

        Args:
            client: The store.
            ref: The object's place.
            headers: Its media type and metadata, as headers.
            at_once: How many parts may be sent at the same time.
        """
        request = S3Request("POST", str(ref.bucket), str(ref.name), {"uploads": ""}, headers)
        with domain_errors(ref=ref):
            response = client.send(request)
            begun = unmarshal(_Begun, response.data.decode())
        return cls(client, ref, begun.upload_id, at_once)

    def send(self, pieces: Iterable[Bytes], size: int) -> None:
        """Send the next part, `size` bytes, as its bytes come."""
        self._send(self._next_number(), pieces, size)

    def send_meanwhile(self, part: Part) -> None:
        """Send the next part in a thread; wait first while there are too many on their way.

        Raises what the sending of this or an earlier part has met, now or at a later call.
        """
        number = self._next_number()
        while len(self._sending) >= self._at_once:
            self._collect(wait(self._sending, return_when=FIRST_COMPLETED).done)
        self._collect({future for future in self._sending if future.done()})
        self._sending.add(self._threads.submit(self._send, number, part.pieces, part.size))

    def complete(self, conditions: Mapping[str, str]) -> BaseHTTPResponse:
        """Make the parts the object, if the conditions (as headers) hold.

        Returns:
            The store's answer.
        """
        while self._sending:
            self._collect(wait(self._sending, return_when=FIRST_COMPLETED).done)
        request = self._request("POST", {}, {"Content-Type": "application/xml", **conditions})
        with domain_errors(ref=self._ref):
            response = self._client.send(request, self._list_of_parts())
            # The store may have said 200 before it knew ("CompleteMultipartUpload", S3).
            self.etag = CompleteMultipartUploadResult(response).etag
            if self.etag is None:
                raise failure(response)
        self._threads.shutdown()
        return response

    def stop(self) -> None:
        """Begin no part any more, and wait for those on their way.

        Without that, one of them might come after the abort, and stay.
        """
        self._threads.shutdown(wait=True, cancel_futures=True)

    def abort(self) -> None:
        """Have the store forget the parts; no error when it already has."""
        with domain_errors(ref=self._ref):
            try:
                self._client.send(self._request("DELETE"))
            except S3Error as error:
                if error.code not in {"NoSuchUpload", "NoSuchKey", "NoSuchBucket"}:
                    raise

    def _next_number(self) -> int:
        self._begun_parts += 1
        if self._begun_parts > MAX_PARTS:
            raise TooLargeError(
                f"An upload has at most {MAX_PARTS} parts; one that says its length is divided "
                "into larger ones."
            )
        return self._begun_parts

    def _send(self, number: int, pieces: Iterable[Bytes], size: int) -> None:
        request = self._request("PUT", {"partNumber": str(number)}, {"Content-Length": str(size)})
        with domain_errors(ref=self._ref):
            response = self._client.send(request, pieces)
        etag = response.headers.get("etag")
        if not etag:
            raise BadUpstreamError("The object store gave no entity tag for a part.")
        self._etags[number] = etag

    def _collect(self, done: set[Future[None]]) -> None:
        self._sending -= done
        for future in done:
            future.result()

    def _request(
        self,
        method: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> S3Request:
        return S3Request(
            method,
            str(self._ref.bucket),
            str(self._ref.name),
            {"uploadId": self._upload_id, **(query or {})},
            headers or {},
        )

    def _list_of_parts(self) -> bytes:
        root = Element("CompleteMultipartUpload")
        for number, etag in sorted(self._etags.items()):
            part = SubElement(root, "Part")
            SubElement(part, "PartNumber", str(number))
            SubElement(part, "ETag", etag)
        return bytes(getbytes(root))
