"""DuckDB's errors in the domain's words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from adapters.ducklake.engine.messages import fit
from adapters.ducklake.engine.parameters import parameters_error
from domain.errors import (
    BadUpstreamError,
    InvalidSqlError,
    InvalidValueError,
    LakehouseError,
    LakeLockedError,
    QueryCancelledError,
    ResourcesExhaustedError,
    StatementNotAllowedError,
    StorageFullError,
    UnavailableError,
    UpstreamTimeoutError,
    WriteConflictError,
)

ENGINE_ERRORS = (duckdb.Error, OSError, UnicodeDecodeError)
"""What the client raises where the engine, its storage or its catalog fails.

A message that is no UTF-8 comes as a UnicodeDecodeError.
"""

Redact = Callable[[str], str]
"""Takes what must not be told (paths of the server) out of a message."""


@dataclass(frozen=True, slots=True)
class EngineMessage:
    """What DuckDB says of an error (`errors_as_json`).

    Attributes:
        text: The message without its type and without the statement.
        position: Where in the statement, in characters; None when that is not known.
        kind: What DuckDB calls errors of this class; None when it does not say.
    """

    text: str
    position: int | None
    kind: str | None = None

    @classmethod
    def of(cls, error: BaseException) -> EngineMessage:
        """Read it from an exception of the client."""
        text = str(error)
        start = text.find("{")
        try:
            told = json.loads(text[max(0, start) :])
            position = told.get("position")
            return cls(
                told["exception_message"],
                None if position is None else int(position),
                told.get("exception_type"),
            )
        except (ValueError, KeyError, AttributeError, TypeError):
            # Errors of the Python client itself are plain text: "Invalid Input Error: ...".
            _, _, message = text.partition(" Error: ")
            return cls((message or text).split("\nLINE ")[0].strip(), None)


# The statement that is run gives the caller's columns names of its own.
_OWN_COLUMN = re.compile(r" when casting from source column column_\d+")

_WRONG_VALUE = (
    duckdb.ConversionException,
    duckdb.OutOfRangeException,
    duckdb.TypeMismatchException,
    duckdb.InvalidInputException,
    duckdb.InvalidTypeException,
)
_WRONG_SQL = (
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.NotImplementedException,
    duckdb.NotSupportedError,
)
# What goes wrong while a stream is read comes as an OSError, which tells its class by name.
_CLASSES_IN_STREAMS = {
    "Conversion": duckdb.ConversionException,
    "INTERNAL": duckdb.InternalException,
    "Invalid Input": duckdb.InvalidInputException,
    "Mismatch Type": duckdb.TypeMismatchException,
    "Out of Memory": duckdb.OutOfMemoryException,
    "Out of Range": duckdb.OutOfRangeException,
}
_DOES_NOT_ANSWER = "The lake's catalog or storage does not answer."

# What a result says whose transaction ended under it, as its catalog went away.
_RESULT_IS_GONE = "Attempting to fetch from"


_CATALOG_FAILED = re.compile(
    r"Failed to (begin|commit|execute|fetch|get|load|prepare|query|read|write)\b"
    r"|Unable to connect to Postgres"
)


# Most of what its Parquet reader says of a damaged file is in no class of its own, and names
# no file.
_DAMAGED_FILE = re.compile(
    r"(Out of buffer|Payload value bigger|TProtocolException|don't know what type"
    r"|Failed to read file \"|No magic bytes found at end of file|File .+ too small to be a Parquet"
    r"|Invalid string encoding found in Parquet|Varint-decoding found|Decode bit width too"
    r"|Parquet file is likely corrupted|Prefetch registered for bytes outside"
    r"|Input is invalid/unsupported GZIP|(BYTE_STREAM_SPLIT|RLE) encoding is only"
    r"|Delta Length Byte Array encoding is only)"
)


# What DuckLake wrote of a table's namespace was freed memory by then: it keeps bare references
# to entries of a cache that another reader may put anew (duckdb/ducklake issue 1248).
_GARBLED_COMMIT = re.compile(
    r'\\?"exception_type\\?":\s*\\?"(Parser|Syntax)'
    r"|(unterminated quoted|zero-length delimited|syntax error at or near)"
    r"|invalid byte sequence for encoding"
    r"|Failed to get path for schema with id"
)


def tells_of_garbled_commit(error: BaseException) -> bool:
    """Whether a COMMIT failed as DuckLake wrote freed memory into its SQL: a new one helps."""
    return isinstance(error, UnicodeDecodeError) or (
        isinstance(error, duckdb.Error) and _GARBLED_COMMIT.search(str(error)) is not None
    )


def tells_of_interrupt(error: BaseException) -> bool:
    """Whether a statement was interrupted, by whomever: the engine itself does, too."""
    return isinstance(error, duckdb.InterruptException) or "INTERRUPT" in str(error)


def tells_of_damaged_file(text: str) -> bool:
    """Whether a message says that a Parquet file is not as it was written."""
    return _DAMAGED_FILE.match(text) is not None


def translated(
    error: BaseException,
    redact: Redact,
    offset: int = 0,
    sql: str | None = None,
    place: Callable[[int], int] = lambda position: position,
) -> LakehouseError | None:
    """The domain's error for one of a statement's; None when it is none that is known.

    Args:
        error: What DuckDB, or a reader of its stream, raised.
        redact: Takes the server's own paths out of the message.
        offset: Where the caller's SQL begins in the statement that was run, in bytes.
        sql: The caller's SQL, in whose characters the position is told.
        place: Where in the caller's SQL a place behind the offset comes from, in bytes.
    """
    message = EngineMessage.of(error)
    error = _of_stream(error, message)
    text = fit(redact(_OWN_COLUMN.sub("", message.text)))
    found: LakehouseError | None = None
    if tells_of_interrupt(error):
        found = QueryCancelledError("The query was stopped.")
    elif _is_of_lake(error, text):
        found = _of_transaction(text)
    elif isinstance(error, duckdb.OutOfMemoryException):
        found = ResourcesExhaustedError("The query needs more memory than it may use.")
    elif isinstance(error, duckdb.PermissionException):
        found = StatementNotAllowedError("The statement reads or writes what it may not.")
    elif isinstance(error, _WRONG_VALUE):
        found = _of_value(text)
    elif isinstance(error, _WRONG_SQL):
        position = None if message.position is None else max(0, place(message.position - offset))
        # The parser counts characters, what comes behind it counts bytes of UTF-8.
        if position is not None and sql is not None and not _is_of_parser(error):
            position = len(sql.encode()[:position].decode(errors="ignore"))
        found = InvalidSqlError(text, position)
    elif isinstance(error, duckdb.FatalException | duckdb.InternalException):
        # DuckLake trips over itself when its catalog goes away while it reads inlined rows.
        found = UnavailableError("The engine broke down over it; try again.")
    elif isinstance(error, duckdb.IOException | duckdb.HTTPException | OSError):
        found = _of_storage(text)
    return found


_WHY_IT_DOES_NOT_OPEN = (
    (
        re.compile(r"password authentication failed|role \S+ does not exist|no password supplied"),
        "PostgreSQL does not accept the user and password in DUCKLAKE_CATALOG.",
    ),
    (
        re.compile(r"database \S+ does not exist"),
        "PostgreSQL has no database of the name in DUCKLAKE_CATALOG.",
    ),
    (
        re.compile(r"could not translate host name"),
        "The host in DUCKLAKE_CATALOG is not known.",
    ),
    (
        re.compile(r"connection to server"),
        "No PostgreSQL can be reached where DUCKLAKE_CATALOG says.",
    ),
)


def why_it_does_not_open(error: BaseException, redact: Redact) -> LakehouseError:
    """The domain's error for what kept the lake from being opened."""
    text = EngineMessage.of(error).text
    for pattern, sentence in _WHY_IT_DOES_NOT_OPEN:
        if pattern.search(text):
            return UnavailableError(sentence)
    known = translated(error, redact)
    if isinstance(known, UnavailableError | StorageFullError | LakeLockedError):
        return known
    # What can be wrong here is no caller's statement.
    return UnavailableError("The lake cannot be opened; the service's log tells why.")


def _of_stream(error: BaseException, message: EngineMessage) -> BaseException:
    """The error by its own class, where a stream told that by name."""
    if isinstance(error, OSError) and message.kind in _CLASSES_IN_STREAMS:
        return _CLASSES_IN_STREAMS[message.kind](str(error))
    return error


def _is_of_lake(error: BaseException, text: str) -> bool:
    # What goes wrong with a catalog in PostgreSQL, or a file, comes in any class, or in none.
    return (
        tells_of_damaged_file(text)
        # A message of DuckLake's with freed memory in it.
        or isinstance(error, UnicodeDecodeError)
        or type(error) is duckdb.Error
        or isinstance(error, duckdb.TransactionException)
        or _CATALOG_FAILED.match(text) is not None
    )


def _is_of_parser(error: BaseException) -> bool:
    return isinstance(error, duckdb.ParserException | duckdb.SyntaxException)


def _of_value(text: str) -> LakehouseError:
    if text.startswith(_RESULT_IS_GONE):
        return UnavailableError(_DOES_NOT_ANSWER)
    return parameters_error(text) or InvalidValueError(text)


def _of_transaction(text: str) -> LakehouseError:
    # DuckLake wraps what went wrong with the catalog's database during a commit in this class.
    if "conflict" in text.lower():
        return WriteConflictError("Another writer changed the table at the same time; try again.")
    return _of_storage(text)


_STORAGE_SAID: tuple[tuple[re.Pattern[str], type[LakehouseError], str], ...] = (
    (
        re.compile(r"SignatureDoesNotMatch|InvalidAccessKeyId|AccessDenied|HTTP code 40[13]"),
        UnavailableError,
        "The object store refuses the configured credentials for the lake's bucket.",
    ),
    (
        re.compile("NoSuchBucket"),
        UnavailableError,
        "The lake's own bucket (DUCKLAKE_MINIO_LAKE_BUCKET) is not there.",
    ),
    (
        re.compile(r"[Tt]imeout|HTTP code 504"),
        UpstreamTimeoutError,
        "The lake's storage did not answer in time.",
    ),
    (
        re.compile(r"Could not (connect|establish|resolve)|Failed to (read|write) connection"),
        UnavailableError,
        "The lake's storage cannot be reached, or does not answer.",
    ),
    (
        re.compile(r"HTTP code 404|[Ii]nvalid Parquet|[Pp]artial file"),
        BadUpstreamError,
        "The lake's storage did not give a data file as the catalog knows it.",
    ),
    (
        _DAMAGED_FILE,
        BadUpstreamError,
        "A data file of the lake is damaged; `ducklake check` tells which one.",
    ),
)


def _of_storage(text: str) -> LakehouseError:
    lowered = text.lower()
    if "no space left" in lowered or "disk quota exceeded" in lowered:
        return StorageFullError("There is no space left where the lake keeps its data.")
    if "could not set lock" in lowered:
        return LakeLockedError("Another process holds this lake's catalog.")
    if "max_temp_directory_size" in lowered or "out of memory" in lowered:
        return ResourcesExhaustedError("The query needs more space than it may use.")
    for pattern, kind, sentence in _STORAGE_SAID:
        if pattern.search(text):
            return kind(sentence)
    return UnavailableError(_DOES_NOT_ANSWER)
