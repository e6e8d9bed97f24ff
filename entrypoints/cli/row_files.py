"""What a file of rows claims to be: by its name, and by what is said of it."""

from __future__ import annotations

from pathlib import PurePath

from domain.bodies import BodyFormat, ContentCoding, CsvOptions
from domain.errors import InvalidParametersError, UnsupportedFormatError
from domain.formats import DataFormat
from entrypoints.cli.formats import format_of_file
from entrypoints.cli.local_files import STANDARD_STREAM
from entrypoints.cli.usage import UsageError

CODING_OF_ENDING = {".gz": ContentCoding.GZIP, ".zst": ContentCoding.ZSTD}
"""How a file is packed, by the last ending of its name."""

_NOT_UNPACKED = frozenset({".bz2", ".xz", ".zip"})
_NAMED_DELIMITERS = {"tab": "\t", "\\t": "\t"}


def body_format_of_file(
    file: str, input_format: DataFormat | None, csv: CsvOptions | None
) -> BodyFormat:
    """What a file holds.

    Args:
        file: Its name; `-` is stdin, which is never unpacked.
        input_format: What its rows are said to be; None to go by the name.
        csv: How it is written; None when nothing was said.

    Raises:
        UsageError: When the name does not tell.
        UnsupportedFormatError: When it is packed in a way that is not read.
        InvalidParametersError: When it is no CSV, and CSV's options were given.
    """
    ending = PurePath(file).suffix.lower()
    coding = None if file == STANDARD_STREAM else CODING_OF_ENDING.get(ending)
    if input_format is None:
        if file == STANDARD_STREAM:
            raise UsageError(
                f"What stdin holds has to be said: --input-format {'|'.join(DataFormat)}."
            )
        if ending in _NOT_UNPACKED:
            raise UnsupportedFormatError(
                f"{file} is compressed in a way that is not read: unpack it into a pipe, and "
                "append - with --input-format."
            )
        inner = file if coding is None else str(PurePath(file).with_suffix(""))
        input_format = format_of_file(inner, "--input-format")
    if csv is not None and input_format is not DataFormat.CSV:
        raise InvalidParametersError(f"The options of CSV were given, and {file} is no CSV.")
    return BodyFormat(input_format, () if coding is None else (coding,), csv or CsvOptions())


def csv_options(
    *, no_header: bool, delimiter: str | None, null: str | None, quote: str | None
) -> CsvOptions | None:
    """How CSV is written; None when nothing is said of it.

    Raises:
        InvalidParametersError: When it is against the rules.
    """
    if not no_header and (delimiter, null, quote) == (None, None, None):
        return None
    plain = CsvOptions()
    return CsvOptions(
        header=not no_header,
        delimiter=plain.delimiter
        if delimiter is None
        else _NAMED_DELIMITERS.get(delimiter, delimiter),
        null=plain.null if null is None else null,
        quote=plain.quote if quote is None else quote or None,
    )
