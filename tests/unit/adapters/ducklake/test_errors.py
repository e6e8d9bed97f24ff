"""What a catalog or a storage that fails says through DuckDB, in the domain's words."""

from __future__ import annotations

import duckdb
import pytest

from adapters.ducklake.engine.errors import tells_of_garbled_commit, translated
from domain.errors import (
    BadUpstreamError,
    InvalidValueError,
    LakehouseError,
    ResourcesExhaustedError,
    StorageFullError,
    UnavailableError,
    UpstreamTimeoutError,
    WriteConflictError,
)

FETCH = "Attempting to fetch from an unsuccessful or closed query result\nError: "


@pytest.mark.parametrize(
    "error, kind",
    [
        # As seen when PostgreSQL was killed under load
        (duckdb.Error("Failed to query most recent snapshot for DuckLake: ..."), UnavailableError),
        (
            duckdb.InvalidInputException(
                f"Invalid Input Error: {FETCH}server closed the connection unexpectedly"
            ),
            UnavailableError,
        ),
        (
            duckdb.InvalidInputException(
                f"Invalid Input Error: {FETCH}Current transaction is aborted (please ROLLBACK)"
            ),
            UnavailableError,
        ),
        (duckdb.InvalidInputException("Invalid Input Error: Malformed x"), InvalidValueError),
        # As seen when bytes of a Parquet file were changed, or its end was missing
        (duckdb.Error("Out of buffer"), BadUpstreamError),
        (UnicodeDecodeError("utf-8", b"\x80", 0, 1, "invalid start byte"), UnavailableError),
        (duckdb.Error("TProtocolException: Invalid data"), BadUpstreamError),
        (
            duckdb.InvalidInputException(
                "Invalid Input Error: No magic bytes found at end of file '/data/a.parquet'"
            ),
            BadUpstreamError,
        ),
        (
            duckdb.TransactionException("TransactionContext Error: Transaction conflict - ..."),
            WriteConflictError,
        ),
        (duckdb.FatalException("FATAL Error: database has been invalidated"), UnavailableError),
        (
            duckdb.InternalException(
                "INTERNAL Error: Attempted to access index 0 within vector of size 0"
            ),
            UnavailableError,
        ),
        (
            duckdb.IOException("IO Error: Timeout was reached error for HTTP GET"),
            UpstreamTimeoutError,
        ),
        (duckdb.IOException("IO Error: Failed to read connection error"), UnavailableError),
        (duckdb.IOException("IO Error: No space left on device"), StorageFullError),
        (duckdb.HTTPException("HTTP Error: ... (HTTP code 403)"), UnavailableError),
        (duckdb.HTTPException("HTTP Error: ... (HTTP code 404) NoSuchBucket"), UnavailableError),
        (duckdb.HTTPException("HTTP Error: ... (HTTP code 404)"), BadUpstreamError),
        # As a stream of Arrow batches tells them
        (
            OSError('{"exception_type":"Conversion","exception_message":"Could not convert x"}'),
            InvalidValueError,
        ),
        (
            OSError('{"exception_type":"Out of Memory","exception_message":"failed to pin"}'),
            ResourcesExhaustedError,
        ),
        (OSError('{"exception_type":"IO","exception_message":"Timeout"}'), UpstreamTimeoutError),
    ],
)
def test_failures_behind_the_engine(error: Exception, kind: type[LakehouseError]) -> None:
    assert type(translated(error, str)) is kind


REFUSED = (
    'TransactionContext Error: {"exception_message":"Failed to commit: Failed to flush changes '
)


@pytest.mark.parametrize(
    "error, garbled",
    [
        # As seen when tables were made in a namespace that had just been made
        (UnicodeDecodeError("utf-8", b"\x80", 0, 1, "invalid start byte"), True),
        (
            duckdb.TransactionException(
                REFUSED + r"{\"exception_type\":\"Parser\",\"exception_message\":\"unterminated"
            ),
            True,
        ),
        (duckdb.TransactionException(f"{REFUSED} ERROR: syntax error at or near"), True),
        (duckdb.TransactionException("Failed to get path for schema with id 8313474949"), True),
        (duckdb.TransactionException(f"{REFUSED} server closed the connection"), False),
        (duckdb.TransactionException("Transaction conflict - attempting to insert"), False),
        (OSError("syntax error at or near"), False),
    ],
)
def test_commits_that_were_garbled(error: Exception, garbled: bool) -> None:
    assert tells_of_garbled_commit(error) is garbled
