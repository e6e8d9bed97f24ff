"""What OpenAPI says of answers and bodies beside their models."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from domain.formats import DataFormat
from entrypoints.rest.models.problem import Problem
from entrypoints.rest.negotiation import CONTENT_TYPES
from entrypoints.rest.problems import PROBLEM_MEDIA_TYPE, RETRY_AFTER_S

ANYWHERE = (400, 413, 422, 429, 431, 500, 501, 502, 503, 504)
"""What any operation may answer."""

_SCHEMAS = "#/components/schemas/"
_METHODS = {"get", "put", "post", "delete", "head", "patch"}

RUN_HEADER = {
    "Lineage-Run-Id": {"description": "The lineage run.", "schema": {"type": "string"}},
}
ETAG_HEADER = {"ETag": {"description": "The entity tag.", "schema": {"type": "string"}}}
LOCATION_HEADER = {"Location": {"description": "Its path.", "schema": {"type": "string"}}}
LINK_HEADER = {"Link": {"description": "The next page, if any.", "schema": {"type": "string"}}}
REPLAY_HEADER = {
    "Idempotent-Replayed": {
        "description": "`true`: the write was done before, and this is its answer.",
        "schema": {"type": "string", "enum": ["true"]},
    }
}
OBJECT_HEADERS = {
    **RUN_HEADER,
    **ETAG_HEADER,
    "Last-Modified": {"description": "When it was written.", "schema": {"type": "string"}},
    "Accept-Ranges": {"description": "`bytes`.", "schema": {"type": "string"}},
}

_BINARY: dict[str, Any] = {"type": "string", "format": "binary"}

_ROWS_EXAMPLES: dict[DataFormat, Any] = {
    DataFormat.JSON: [{"carrier": "UA", "dep_delay": 2}, {"carrier": "AA", "dep_delay": None}],
    DataFormat.NDJSON: '{"carrier":"UA","dep_delay":2}\n{"carrier":"AA"}\n',
    DataFormat.CSV: "carrier,dep_delay\nUA,2\nAA,\n",
}


def _header(name: str, description: str, example: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string"},
        "example": example,
    }


TABLE_WRITE_HEADERS: dict[str, Any] = {
    "parameters": [
        _header(
            "Idempotency-Key",
            "1-255 visible ASCII characters, in quotes or bare. Sent again under its key, the "
            "same request is answered as at first and done no second time.",
            "6f0a1b1e-4c7d-4b0e-9a37-5f2f1d1f3c52",
        ),
        _header("If-Match", "Only when one of these is the table's ETag, or `*`; else 412.", '"7"'),
    ]
}
"""What a write of a table heeds."""

ROWS_BODY: dict[str, Any] = {
    "parameters": [
        *TABLE_WRITE_HEADERS["parameters"],
        {
            "name": "Content-Encoding",
            "in": "header",
            "required": False,
            "description": "How the body is packed: `gzip` or `zstd`, or two of them in the order "
            "in which that was done. It is read to its end, over all gzip members and zstd frames.",
            "schema": {"type": "string"},
            "example": "gzip",
        },
    ],
    "requestBody": {
        "required": True,
        "description": 'Rows. JSON: an array of objects, or `{"rows": [...]}`.',
        "content": {
            data_format.media_type: {
                "schema": {} if data_format is DataFormat.JSON else _BINARY,
            }
            | ({"example": _ROWS_EXAMPLES[data_format]} if data_format in _ROWS_EXAMPLES else {})
            for data_format in DataFormat
        },
    },
}
"""The header and the body of an append."""


_IF_MATCH = _header("If-Match", "Only when the entity tag is one of these, or `*`.", '"9b2cf535"')
_IF_NONE_MATCH = _header(
    "If-None-Match", "Only when the entity tag is none of these; else 304.", '"9b2cf535"'
)

TABLE_HEADERS: dict[str, Any] = {
    "parameters": [_header("If-None-Match", "The ETag of a copy; 304 while it is good.", '"7"')]
}
"""What a GET of a table heeds."""

RESULT_HEADERS: dict[str, Any] = {
    "parameters": [
        _header(
            "If-None-Match",
            "The ETag of an answer that the caller has; 304 while it is good.",
            'W/"9b2cf535"',
        ),
    ]
}
"""What a GET of rows heeds."""

QUESTION_HEADERS: dict[str, Any] = {
    "parameters": [
        _header(
            "Prefer",
            "`respond-async`: answer 202 at once, and run the query on its own. The format is "
            "then said where the result is fetched. With `dry_run` it is ignored.",
            "respond-async",
        ),
    ]
}
"""What a query in a body heeds."""

READ_HEADERS: dict[str, Any] = {
    "parameters": [
        _header("Range", "A part of the object (416 when there is no such).", "bytes=0-99"),
        _header("If-Range", "The range is meant only while this is the ETag.", '"9b2cf535"'),
        _IF_MATCH,
        _IF_NONE_MATCH,
        _header(
            "If-Modified-Since",
            "Only when it changed after this; else 304.",
            "Sun, 06 Nov 1994 08:49:37 GMT",
        ),
        _header(
            "If-Unmodified-Since",
            "Only when it did not change after this; else 412.",
            "Sun, 06 Nov 1994 08:49:37 GMT",
        ),
    ]
}
"""What a GET of an object heeds."""

_IF_NEW = _header("If-None-Match", "`*`: only when there is no object of that name.", "*") | {
    "schema": {"type": "string", "enum": ["*"]}
}

EXPORT_HEADERS: dict[str, Any] = {
    "parameters": [
        _header("If-Match", "Only when the object's entity tag is one of these, or `*`.", '"9b2c"'),
        _header(
            "If-None-Match",
            "`*`: only when there is no object of that name; with `partition_by`, none under "
            "that prefix.",
            "*",
        )
        | {"schema": {"type": "string", "enum": ["*"]}},
        _header(
            "Idempotency-Key",
            "Taken from clients that send one with everything, and not heeded: an export that "
            "is sent again is done again, and takes the place of what it wrote before.",
            "6f0a1b1e-4c7d-4b0e-9a37-5f2f1d1f3c52",
        ),
    ]
}
"""What an export heeds."""

ANY_BODY: dict[str, Any] = {
    "parameters": [
        _IF_MATCH,
        _IF_NEW,
        _header("x-amz-meta-source", "User metadata, under any name behind x-amz-meta-.", "bts"),
    ],
    "requestBody": {
        "required": False,
        "description": "The object's bytes. Content-Type is kept with them.",
        "content": {"application/octet-stream": {"schema": _BINARY}},
    },
}
"""The headers and the body of an upload."""

ANY_CONTENT: dict[str, Any] = {"content": {"*/*": {"schema": _BINARY}}}
"""The content of a download."""

RESULT_CONTENT: dict[str, Any] = {
    content_type.partition(";")[0]: {"schema": _BINARY}
    for data_format, content_type in CONTENT_TYPES.items()
    if data_format is not DataFormat.JSON
}
"""The formats of a result but for JSON, which has a model."""


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Problems that an operation may answer, beside those that any may."""
    return {status: _problem(status) for status in statuses}


def _problem(status: int) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": f"{_SCHEMAS}{Problem.__name__}"}}},
    }
    if HTTPStatus(status) in RETRY_AFTER_S:
        answer["headers"] = {
            "Retry-After": {
                "description": "When to try again, in seconds.",
                "schema": {"type": "integer"},
            }
        }
    return answer


def openapi(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the problems that every operation may answer."""
    document: dict[str, Any] = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = Problem.model_json_schema(by_alias=True, ref_template=f"{_SCHEMAS}{{model}}")
    schemas.update(problem.pop("$defs"))
    schemas[Problem.__name__] = problem
    for operations in document["paths"].values():
        for method, operation in operations.items():
            if method in _METHODS:
                _add_problems(operation)
    return document


def _add_problems(operation: dict[str, Any]) -> None:
    answers: dict[str, Any] = operation["responses"]
    for status in ANYWHERE:
        known = answers.get(str(status), {})
        # The framework documents its own form of 422, which is never answered.
        if status == HTTPStatus.UNPROCESSABLE_ENTITY or not known:
            answers[str(status)] = _problem(status)
    operation["responses"] = dict(sorted(answers.items()))
