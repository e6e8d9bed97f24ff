"""Buckets."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from application.datasets.buckets import BucketCommand, ListBucketsCommand
from application.datasets.objects import ListObjectsCommand
from application.datasets.presign import PresignObjectCommand
from domain.datasets import MAX_OBJECT_NAME_BYTES, MAX_PAGE_SIZE, ListRequest
from domain.errors import InvalidObjectNameError
from entrypoints.rest.answers import empty_answer, json_answer
from entrypoints.rest.control import Later, StrictRoute
from entrypoints.rest.dependencies import ServiceDep
from entrypoints.rest.documentation import (
    LINK_HEADER,
    LOCATION_HEADER,
    RUN_HEADER,
    problems,
)
from entrypoints.rest.locations import Part, located
from entrypoints.rest.models.datasets import (
    BucketAnswer,
    BucketsAnswer,
    ObjectsAnswer,
    UrlAnswer,
    WantedUrl,
)
from entrypoints.rest.names import BucketPathName
from entrypoints.rest.paging import PageSize, PageToken, from_token, next_link, to_token

router = APIRouter(tags=["datasets"], route_class=StrictRoute)

# Its parameter is read, and its name checked, in entrypoints.rest.names.
_BUCKET = "/datasets/{bucket_name}"
LATER_ON_WRITES = Depends(Later(headers=("Idempotency-Key", "If-Match", "If-None-Match")))


@router.get("/datasets", response_model=BucketsAnswer, responses={200: {"headers": RUN_HEADER}})
async def list_buckets(service: ServiceDep) -> Response:
    """List all buckets."""
    done = await service.workers.objects.run(
        lambda: service.container.list_buckets()(ListBucketsCommand())
    )
    return json_answer(BucketsAnswer.of(done.value), run_id=done.run_id)


@router.post(
    _BUCKET,
    status_code=201,
    response_model=BucketAnswer,
    responses={201: {"headers": RUN_HEADER | LOCATION_HEADER}, **problems(409, 507)},
    dependencies=[LATER_ON_WRITES],
)
async def create_bucket(service: ServiceDep, bucket: BucketPathName) -> Response:
    """Make a bucket."""
    done = await service.workers.objects.run(
        lambda: service.container.create_bucket()(BucketCommand(bucket))
    )
    return json_answer(
        BucketAnswer.of(done.value),
        status=201,
        run_id=done.run_id,
        headers={"Location": f"/datasets/{bucket}"},
    )


@router.delete(
    _BUCKET,
    status_code=204,
    response_class=Response,
    responses={204: {"headers": RUN_HEADER}, **problems(404, 409)},
    dependencies=[LATER_ON_WRITES],
)
async def delete_bucket(service: ServiceDep, bucket: BucketPathName) -> Response:
    """Delete a bucket, which must be empty."""
    done = await service.workers.objects.run(
        lambda: service.container.delete_bucket()(BucketCommand(bucket))
    )
    return empty_answer(204, run_id=done.run_id)


def _check_part_of_name(text: str) -> None:
    if len(text.encode()) > MAX_OBJECT_NAME_BYTES:
        raise InvalidObjectNameError(f"An object name has at most {MAX_OBJECT_NAME_BYTES} bytes.")


@router.get(
    _BUCKET,
    response_model=ObjectsAnswer,
    responses={200: {"headers": RUN_HEADER | LINK_HEADER}, **problems(404)},
)
async def list_objects(
    request: Request,
    service: ServiceDep,
    bucket: BucketPathName,
    prefix: Annotated[
        str,
        Query(
            description="Only names that begin with this.",
            examples=["2013/"],
        ),
    ] = "",
    delimiter: Annotated[
        str | None,
        Query(
            description="Roll up names that hold this behind the prefix.",
            examples=["/"],
        ),
    ] = None,
    page_size: PageSize = MAX_PAGE_SIZE,
    page_token: PageToken = None,
) -> Response:
    """List objects in the order of their names' bytes."""
    for name, text in (("prefix", prefix), ("delimiter", delimiter or "")):
        with located(Part.QUERY, name):
            _check_part_of_name(text)
    after = None
    if page_token is not None:
        with located(Part.QUERY, "page_token"):
            (after,) = from_token(page_token, parts=1)
    command = ListObjectsCommand(bucket, ListRequest(prefix, delimiter or None, page_size, after))
    done = await service.workers.objects.run(lambda: service.container.list_objects()(command))
    token = to_token(done.value.next_after) if done.value.next_after is not None else None
    return json_answer(
        ObjectsAnswer.of(done.value, token),
        run_id=done.run_id,
        headers={"Link": next_link(request, token)} if token is not None else None,
    )


@router.post(
    f"{_BUCKET}/presign",
    response_model=UrlAnswer,
    responses={
        200: {"description": "The URL; whoever has it needs no other leave", "headers": RUN_HEADER},
        **problems(404, 415),
    },
    dependencies=[LATER_ON_WRITES],
)
async def presign_object(
    service: ServiceDep, bucket: BucketPathName, wanted: WantedUrl
) -> Response:
    """Give a URL to read or write an object at the store itself; 501 where the store has none."""
    command = PresignObjectCommand(wanted.request(bucket))
    done = await service.workers.objects.run(lambda: service.container.presign_object()(command))
    # The URL is a secret while it is good.
    return json_answer(
        UrlAnswer.of(done.value), run_id=done.run_id, headers={"Cache-Control": "no-store"}
    )
