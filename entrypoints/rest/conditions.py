"""Conditional and range headers (RFC 9110, sections 13 and 14), as the domain's values."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime

from starlette.datastructures import Headers

from domain.conditions import ANY, RangeRequest, ReadCondition
from domain.datasets import WriteCondition
from domain.errors import MalformedError, UnsupportedOperationError

_TAG = re.compile(r'\s*(?:(?P<weak>W/)?"(?P<quoted>[!#-~\x80-\xff]*)"|(?P<bare>[!#-+\--~]+))\s*')
_RANGE = re.compile(r"\s*(?P<first>[0-9]*)\s*-\s*(?P<last>[0-9]*)\s*")
_HTTP_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")
_MAX_DIGITS = 18


def http_date(moment: datetime) -> str:
    """A moment as HTTP writes it, in whole seconds."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)


def quoted_tag(etag: str) -> str:
    """An entity tag as HTTP writes it."""
    return f'"{etag}"'


def read_condition(headers: Headers) -> ReadCondition:
    """When a GET or HEAD is to answer with what it reads.

    Raises:
        MalformedError: When a list of entity tags is none.
    """
    return ReadCondition(
        if_match=_tags(headers, "if-match", weak=False),
        if_none_match=_tags(headers, "if-none-match", weak=True),
        if_modified_since=_date(headers.get("if-modified-since")),
        if_unmodified_since=_date(headers.get("if-unmodified-since")),
    )


def write_condition(headers: Headers) -> WriteCondition:
    """When an upload may go ahead.

    Raises:
        MalformedError: When a list of entity tags is none.
        UnsupportedOperationError: When `If-None-Match` names entity tags, as in S3.
    """
    none_match = _tags(headers, "if-none-match", weak=True)
    if none_match is not None and ANY not in none_match:
        raise UnsupportedOperationError("An upload takes 'If-None-Match: *' only.")
    return WriteCondition(
        if_none_match=none_match is not None,
        if_match=_tags(headers, "if-match", weak=False),
    )


def tags_to_match(headers: Headers) -> tuple[str, ...] | None:
    """The entity tags one of which a write of a table is to match; None when it need not.

    Raises:
        MalformedError: When the list of entity tags is none.
    """
    return _tags(headers, "if-match", weak=False)


def range_request(headers: Headers) -> RangeRequest | None:
    """The one range that is asked for; None when all bytes are, or several ranges.

    Raises:
        MalformedError: When it is a range of bytes that cannot be read.
    """
    text = headers.get("range")
    if text is None:
        return None
    unit, equals, ranges = text.partition("=")
    if equals and unit.strip().lower() != "bytes":
        # "An origin server MUST ignore a Range header field that contains a range unit it
        # does not understand" (14.2).
        return None
    found = [_one_range(each) for each in ranges.split(",")] if equals else []
    if not found:
        raise MalformedError("Range is of the form 'bytes=0-99', 'bytes=100-' or 'bytes=-100'.")
    if len(found) > 1:
        return None
    first, last = found[0]
    return RangeRequest(first, last, _if_range(headers))


def _one_range(text: str) -> tuple[int | None, int | None]:
    match = _RANGE.fullmatch(text)
    if match is None or not (match["first"] or match["last"]):
        raise MalformedError(f"{text.strip()[:50]!r} is not a range of bytes.")
    first = _number(match["first"]) if match["first"] else None
    last = _number(match["last"]) if match["last"] else None
    if first is not None and last is not None and last < first:
        raise MalformedError(f"The range {text.strip()[:50]!r} ends before it begins.")
    return first, last


def _number(digits: str) -> int:
    # No object is that large, and Python reads no number of any length.
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) <= _MAX_DIGITS else 10**_MAX_DIGITS


def _if_range(headers: Headers) -> str | None:
    text = headers.get("if-range")
    if text is None:
        return None
    match = _TAG.fullmatch(text)
    if match is not None and match["quoted"] is not None and match["weak"] is None:
        return match["quoted"]
    # A date or a weak tag: it says too little to be sure, so all bytes are sent (13.1.5).
    # No entity tag holds a quote, so this one is nobody's.
    return '"'


def _tags(headers: Headers, name: str, *, weak: bool) -> tuple[str, ...] | None:
    """The entity tags of a header; weak ones count only where a weak comparison is made."""
    values = headers.getlist(name)
    if not values:
        return None
    text = ", ".join(values)
    if text.strip() == ANY:
        return (ANY,)
    tags: list[str] = []
    for element in _elements(text):
        match = _TAG.fullmatch(element)
        if match is None:
            raise MalformedError(f"{name.title()} is '*' or a list of entity tags in quotes.")
        if match["weak"] is None or weak:
            # S3 takes tags without quotes too, and its users send them.
            tags.append(match["quoted"] if match["quoted"] is not None else match["bare"])
    return tuple(tags)


def _elements(text: str) -> list[str]:
    # A comma may be part of a quoted tag.
    return [part for part in re.findall(r'(?:"[^"]*"|[^,"])+|"', text) if part.strip()]


def _date(text: str | None) -> datetime | None:
    """A date; None when it is none: such a condition must be ignored (13.1.3)."""
    for form in _HTTP_DATES:
        try:
            return datetime.strptime((text or "").strip(), form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
