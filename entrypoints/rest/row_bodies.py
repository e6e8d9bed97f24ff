"""What the body of an append claims to be: its type, how it is packed, how CSV is written."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import Depends, Query, Request
from starlette.datastructures import Headers

from domain.bodies import MAX_CODINGS, BodyFormat, ContentCoding, CsvOptions
from domain.errors import InvalidParametersError, UnsupportedCodingError
from domain.formats import DataFormat
from entrypoints.rest.locations import Part, located
from entrypoints.rest.negotiation import format_of_body

# "A recipient SHOULD consider "x-gzip" to be equivalent to "gzip"" (RFC 9110, 8.4.1.3).
_CODINGS = {coding.value: coding for coding in ContentCoding} | {"x-gzip": ContentCoding.GZIP}
# A tab is hard to type, and to see.
_NAMED_DELIMITERS = {"tab": "\t", "\\t": "\t"}


def codings_of_body(headers: Headers) -> tuple[ContentCoding, ...]:
    """The codings of a body, in the order in which they were applied; `identity` is none.

    Raises:
        UnsupportedCodingError: When one is not read here, or they are too many.
    """
    named = [
        name.strip().lower()
        for line in headers.getlist("content-encoding")
        for name in line.split(",")
        if name.strip()
    ]
    named = [name for name in named if name != "identity"]
    unknown = [name for name in named if name not in _CODINGS]
    if unknown:
        read = ", ".join(ContentCoding)
        raise UnsupportedCodingError(
            f"Content-Encoding {unknown[0][:100]!r} is not read; these are: {read}."
        )
    if len(named) > MAX_CODINGS:
        raise UnsupportedCodingError(f"A body is packed {MAX_CODINGS} times at most.")
    return tuple(_CODINGS[name] for name in named)


def csv_options(
    data_format: DataFormat,
    header: str | None,
    delimiter: str | None,
    null: str | None,
    quote: str | None,
) -> CsvOptions:
    """How a CSV body is written, by the request's parameters; None is one that is not given.

    Raises:
        LocatedError: When one is against the rules, or the body is no CSV.
    """
    given = {"header": header, "delimiter": delimiter, "null": null, "quote": quote}
    options = CsvOptions()
    for name, value in given.items():
        if value is None:
            continue
        with located(Part.QUERY, name):
            if data_format is not DataFormat.CSV:
                raise InvalidParametersError(
                    f"The parameter {name!r} is for CSV, and the body is {data_format.media_type}."
                )
            options = _with_option(options, name, value)
    return options


def _with_option(options: CsvOptions, name: str, value: str) -> CsvOptions:
    match name:
        case "header":
            return replace(options, header=value == "true")
        case "delimiter":
            return replace(options, delimiter=_NAMED_DELIMITERS.get(value, value))
        case "null":
            return replace(options, null=value)
        case _:
            return replace(options, quote=value or None)


async def body_format_of(
    request: Request,
    header: Annotated[
        Literal["true", "false"] | None,
        Query(
            description="CSV: whether the first record names the columns (by default it does); "
            "else the fields are all of the table's columns, in order.",
            examples=["false"],
        ),
    ] = None,
    delimiter: Annotated[
        str | None,
        Query(
            description="CSV: what is between fields: one ASCII character, or `tab`; "
            "by default a comma.",
            examples=[";"],
        ),
    ] = None,
    null: Annotated[
        str | None,
        Query(
            description="CSV: what a field without quotes has that is NULL; by default nothing.",
            examples=["NA"],
        ),
    ] = None,
    quote: Annotated[
        str | None,
        Query(
            description='CSV: what is around fields and doubled within them; by default `"`. '
            "Nothing (`quote=`) says that there are no quotes.",
            examples=["'"],
        ),
    ] = None,
) -> BodyFormat:
    """What a request's body claims to be.

    Raises:
        LocatedError: When a parameter is against the rules.
        UnsupportedFormatError, UnsupportedCodingError: When it is not read here.
    """
    data_format = format_of_body(request.headers.get("content-type"))
    return BodyFormat(
        data_format,
        codings_of_body(request.headers),
        csv_options(data_format, header, delimiter, null, quote),
    )


RowBodyFormat = Annotated[BodyFormat, Depends(body_format_of)]
"""What the request's body claims to be, for a route that takes rows."""
