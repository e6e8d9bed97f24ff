"""Objects: upload, download, delete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import Headers
from starlette.responses import Response

from application.datasets.download import Download, DownloadObjectCommand
from application.datasets.objects import DeleteObjectCommand
from application.datasets.upload import UploadObjectCommand
from application.runs import Done
from domain.datasets import (
    DEFAULT_MEDIA_TYPE,
    ByteStream,
    MediaType,
    ObjectInfo,
    ObjectMetadata,
    ObjectRef,
)
from entrypoints.rest.answers import empty_answer, json_answer
from entrypoints.rest.bodies import declared_size, run_with_body
from entrypoints.rest.conditions import (
    http_date,
    quoted_tag,
    range_request,
    read_condition,
    write_condition,
)
from entrypoints.rest.control import Later, StrictRoute
from entrypoints.rest.dependencies import ServiceDep
from entrypoints.rest.documentation import (
    ANY_BODY,
    ANY_CONTENT,
    ETAG_HEADER,
    OBJECT_HEADERS,
    READ_HEADERS,
    RUN_HEADER,
    problems,
)
from entrypoints.rest.locations import Part, located
from entrypoints.rest.models.datasets import ObjectAnswer
from entrypoints.rest.names import ObjectPathRef
from entrypoints.rest.problems import RUN_ID_HEADER
from entrypoints.rest.streaming import StreamedResponse, begin_stream

router = APIRouter(tags=["datasets"], route_class=StrictRoute)

METADATA_PREFIX = "x-amz-meta-"
_PATH = "/datasets/{bucket_name}/{object_name:path}"
_PRINTABLE = re.compile(r"[ -~]+")

SAFE_HEADERS = {
    # Whatever somebody uploaded must not run in a browser as a page of this service.
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox",
}


@router.put(
    _PATH,
    response_model=ObjectAnswer,
    responses={
        200: {"description": "It replaced another", "headers": RUN_HEADER | ETAG_HEADER},
        201: {
            "model": ObjectAnswer,
            "description": "It is new",
            "headers": RUN_HEADER | ETAG_HEADER,
        },
        **problems(404, 409, 412, 507),
    },
    openapi_extra=ANY_BODY,
    dependencies=[
        Depends(
            Later(
                headers=(
                    "Content-Digest",
                    "Content-Encoding",
                    "Content-MD5",
                    "Content-Range",
                    "If-Modified-Since",
                    "If-Unmodified-Since",
                )
            )
        )
    ],
)
async def upload_object(request: Request, service: ServiceDep, ref: ObjectPathRef) -> Response:
    """Write an object as a whole. One that is cut short leaves the old object as it was."""
    headers = request.headers
    with located(Part.HEADER, "Content-Type"):
        said = headers.get("content-type", "").strip()
        media_type = MediaType(said) if said else None
    metadata = _metadata(headers)
    condition = write_condition(headers)
    size = declared_size(request)
    done = await run_with_body(
        request,
        service.workers.uploads,
        lambda body: service.container.upload_object()(
            UploadObjectCommand(ref, body, size, media_type, metadata, condition)
        ),
        max_bytes=service.max_object_size,
        timeout_s=service.client_timeout_s,
    )
    return json_answer(
        ObjectAnswer.of(done.value.info),
        status=201 if done.value.created else 200,
        run_id=done.run_id,
        headers={"ETag": quoted_tag(done.value.info.etag)},
    )


def _metadata(headers: Headers) -> ObjectMetadata:
    entries: dict[str, str] = {}
    for name in dict.fromkeys(headers.keys()):
        if name.startswith(METADATA_PREFIX):
            # Several of one name are one list (RFC 9110, 5.3), as in S3.
            entries[name.removeprefix(METADATA_PREFIX)] = ",".join(headers.getlist(name))
    with located(Part.HEADER, f"{METADATA_PREFIX}*"):
        return ObjectMetadata(entries)


@router.get(
    _PATH,
    response_class=Response,
    responses={
        200: {"description": "All of it", "headers": OBJECT_HEADERS, **ANY_CONTENT},
        206: {"description": "The range", "headers": OBJECT_HEADERS, **ANY_CONTENT},
        304: {"description": "The caller's copy is good", "headers": RUN_HEADER | ETAG_HEADER},
        **problems(404, 412, 416),
    },
    openapi_extra=READ_HEADERS,
)
async def download_object(request: Request, service: ServiceDep, ref: ObjectPathRef) -> Response:
    """Read an object, or a range of it."""
    command = _download(request, ref)
    streamed = await begin_stream(
        request,
        service.workers.objects,
        service.workers,
        lambda: service.container.download_object()(command),
        _body,
    )
    if streamed.done.value.body is None:
        await streamed.close()
        return _not_modified(streamed.done)
    status, headers = _described(streamed.done)
    return StreamedResponse(streamed, status_code=status, headers=headers)


@router.head(
    _PATH,
    response_class=Response,
    responses={
        200: {"description": "What it is", "headers": OBJECT_HEADERS},
        206: {"description": "What the range is", "headers": OBJECT_HEADERS},
        304: {"description": "The caller's copy is good", "headers": RUN_HEADER | ETAG_HEADER},
        **problems(404, 412, 416),
    },
    openapi_extra=READ_HEADERS,
)
async def describe_object(request: Request, service: ServiceDep, ref: ObjectPathRef) -> Response:
    """Say what an object is, as GET would, without its bytes."""
    command = _download(request, ref)
    done = await service.workers.objects.run(lambda: service.container.describe_object()(command))
    if done.value.body is None:
        return _not_modified(done)
    status, headers = _described(done)
    return Response(status_code=status, headers=headers)


def _download(request: Request, ref: ObjectRef) -> DownloadObjectCommand:
    return DownloadObjectCommand(
        ref, range_request(request.headers), read_condition(request.headers)
    )


class _NoBytes(ByteStream):
    """The content of an answer that has none."""

    def __iter__(self) -> Iterator[bytes]:
        yield from ()

    def close(self) -> None:
        """There is nothing to give back."""


def _body(done: Done[Download]) -> ByteStream:
    return done.value.body or _NoBytes()


def _not_modified(done: Done[Download]) -> Response:
    return empty_answer(304, run_id=done.run_id, headers=_validators(done.value.info))


def _described(done: Done[Download]) -> tuple[int, dict[str, str]]:
    info, part = done.value.info, done.value.part
    headers = {
        RUN_ID_HEADER: done.run_id,
        "Content-Type": _media_type(info),
        "Content-Length": str(info.size),
        "Accept-Ranges": "bytes",
        **_validators(info),
        **SAFE_HEADERS,
        **{f"{METADATA_PREFIX}{name}": text for name, text in info.metadata.entries.items()},
    }
    if part is None:
        return HTTPStatus.OK.value, headers
    headers["Content-Length"] = str(part.length)
    last = part.start + part.length - 1
    headers["Content-Range"] = f"bytes {part.start}-{last}/{info.size}"
    return HTTPStatus.PARTIAL_CONTENT.value, headers


def _validators(info: ObjectInfo) -> dict[str, str]:
    return {"ETag": quoted_tag(info.etag), "Last-Modified": http_date(info.last_modified)}


def _media_type(info: ObjectInfo) -> str:
    # Other clients of the store may have given it what no header can carry.
    return info.media_type if _PRINTABLE.fullmatch(info.media_type) else DEFAULT_MEDIA_TYPE


@router.delete(
    _PATH,
    status_code=204,
    response_class=Response,
    responses={204: {"headers": RUN_HEADER}, **problems(404)},
    dependencies=[Depends(Later(headers=("If-Match", "If-None-Match", "If-Unmodified-Since")))],
)
async def delete_object(service: ServiceDep, ref: ObjectPathRef) -> Response:
    """Delete an object; one that is not there is no error."""
    command = DeleteObjectCommand(ref)
    done = await service.workers.objects.run(lambda: service.container.delete_object()(command))
    return empty_answer(204, run_id=done.run_id)
