"""Which format an answer is to have (RFC 9110, 12.5.1), and which one a body has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domain.errors import NotAcceptableError, UnsupportedFormatError
from domain.formats import FORMAT_OF_MEDIA_TYPE, DataFormat

CONTENT_TYPES = {data_format: data_format.media_type for data_format in DataFormat} | {
    DataFormat.CSV: "text/csv; charset=utf-8; header=present"
}
"""The Content-Type of each format."""

_QUALITY = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
_CHARSETS = {"utf-8", "utf8", "us-ascii"}


@dataclass(frozen=True, slots=True)
class _Wish:
    """One media range of an Accept header."""

    type: str
    subtype: str
    quality: float

    def fits(self, media_type: str) -> int:
        """How closely it names a media type: 0 not at all, 3 exactly."""
        main, _, sub = media_type.partition("/")
        if (self.type, self.subtype) == (main, sub):
            return 3
        if (self.type, self.subtype) == (main, "*"):
            return 2
        return int((self.type, self.subtype) == ("*", "*"))


def choose_format(accept: str | None, wanted: str | None) -> DataFormat:
    """The format of an answer: `?format=` if given, else what Accept likes best, else JSON.

    Of formats that are liked equally, the first of `DataFormat` is taken.

    Raises:
        NotAcceptableError: When none is left.
    """
    if wanted is not None:
        try:
            return DataFormat(wanted.lower())
        except ValueError as error:
            raise _not_acceptable(f"{wanted[:50]!r} is no format") from error
    if accept is None or not accept.strip():
        return DataFormat.JSON
    wishes = list(_wishes(accept))
    liked = [(_quality(wishes, data_format.media_type), data_format) for data_format in DataFormat]
    best = max(quality for quality, _ in liked)
    if best <= 0:
        raise _not_acceptable("Accept names no format that is offered")
    return next(data_format for quality, data_format in liked if quality == best)


def _not_acceptable(reason: str) -> NotAcceptableError:
    offered = ", ".join(f"{each.value} ({each.media_type})" for each in DataFormat)
    return NotAcceptableError(f"{reason}; these are: {offered}.")


def _wishes(accept: str) -> Sequence[_Wish]:
    wishes = []
    for element in accept.lower().split(","):
        media_range, *parameters = (part.strip() for part in element.split(";"))
        main, slash, sub = media_range.partition("/")
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                # A weight that cannot be read is no wish.
                quality = float(value) if _QUALITY.fullmatch(value.strip()) else 0.0
        if slash:
            wishes.append(_Wish(main, sub, quality))
    return wishes


def _quality(wishes: Sequence[_Wish], media_type: str) -> float:
    fitting = [(wish.fits(media_type), wish.quality) for wish in wishes if wish.fits(media_type)]
    return max(fitting)[1] if fitting else 0.0


def format_of_body(content_type: str | None) -> DataFormat:
    """The format that a Content-Type names; its parameters do not matter.

    Raises:
        UnsupportedFormatError: When it names none that is read, or text that is not UTF-8.
    """
    media_type, *parameters = (part.strip() for part in (content_type or "").lower().split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in _CHARSETS:
            raise UnsupportedFormatError("Text is read as UTF-8 only.")
    if media_type not in FORMAT_OF_MEDIA_TYPE:
        said = f"Content-Type {media_type[:100]!r} is not read" if media_type else "No Content-Type"
        read = ", ".join(FORMAT_OF_MEDIA_TYPE)
        raise UnsupportedFormatError(f"{said}; these are: {read}.")
    return FORMAT_OF_MEDIA_TYPE[media_type]
