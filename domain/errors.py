"""The one error tree.

Every error that a user can cause or must be told of is a `LakehouseError`. The second
level of the tree says what kind of trouble it is; each entrypoint maps those kinds to
its own words (HTTP status codes, exit codes). The leaves carry a stable `code`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

MAX_DETAIL = 2_000
"""Characters of the sentence that tells of an error."""


class LakehouseError(Exception):
    """The root: a sentence for the user, a stable code, and the run that failed, if any.

    Attributes:
        code: A stable, snake_case name of the error, part of the API.
        run_id: The lineage run in which it happened; None when no run had begun.
        position: Where in the SQL its cause is, in characters from 0; None when not known.
    """

    code: ClassVar[str] = "internal_error"

    def __init__(self, detail: str) -> None:
        # What a caller sent, or an object holds, may be repeated in it.
        if len(detail) > MAX_DETAIL:
            detail = f"{detail[:MAX_DETAIL]}..."
        super().__init__(detail)
        self.detail = detail
        self.run_id: str | None = None
        self.position: int | None = None

    def add(self, sentence: str) -> None:
        """Tell the user more."""
        self.detail = f"{self.detail} {sentence}"
        self.args = (self.detail,)


# -- what the caller sent cannot be used ------------------------------------------------


class InvalidError(LakehouseError):
    """What was sent is well formed but breaks a rule."""

    code = "invalid_request"


class InvalidTableNameError(InvalidError):
    """A table or namespace name against the rules."""

    code = "invalid_table_name"


class InvalidColumnError(InvalidError):
    """A column's name, type or place in the table is against the rules."""

    code = "invalid_column"


class InvalidPartitionError(InvalidError):
    """A partition expression that does not fit the table."""

    code = "invalid_partition"


class InvalidBucketNameError(InvalidError):
    """A bucket name against S3's naming rules."""

    code = "invalid_bucket_name"


class InvalidObjectNameError(InvalidError):
    """An object name that not every store can hold."""

    code = "invalid_object_name"


class InvalidMediaTypeError(InvalidError):
    """A media type that does not read as `type/subtype`."""

    code = "invalid_media_type"


class InvalidMetadataError(InvalidError):
    """User metadata that is not ASCII, or too large."""

    code = "invalid_metadata"


class InvalidPageTokenError(InvalidError):
    """A page token or page size that the service did not hand out."""

    code = "invalid_page_token"


class InvalidExpiryError(InvalidError):
    """A presigned URL that is to be good for too short or too long."""

    code = "invalid_expiry"


class InvalidParametersError(InvalidError):
    """Parameters that do not fit the statement.

    Attributes:
        parameter: The first of them, by its place (from 1) or its name; None when it is not
            known, or not a single one's fault.
    """

    code = "invalid_parameters"

    def __init__(
        self, detail: str, parameter: str | None = None, position: int | None = None
    ) -> None:
        super().__init__(detail)
        self.parameter = parameter
        self.position = position


class InvalidIdempotencyKeyError(InvalidError):
    """An idempotency key against the rules."""

    code = "invalid_idempotency_key"


class IdempotencyKeyReusedError(InvalidError):
    """An idempotency key under which something else was done before."""

    code = "idempotency_key_reused"


class InvalidValueError(InvalidError):
    """A statement met a value that it cannot work with (a cast, a division, a range)."""

    code = "invalid_value"


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One thing that is wrong with one row.

    Attributes:
        row: The row's number in the body, from 1; None when the whole body is meant.
        column: The column's name; None when the row as a whole is meant.
        message: What is wrong, in a sentence.
    """

    row: int | None
    column: str | None
    message: str

    def __str__(self) -> str:
        place = ", ".join(
            part
            for part in (
                f"row {self.row}" if self.row is not None else "",
                f"column {self.column!r}" if self.column is not None else "",
            )
            if part
        )
        return f"{place}: {self.message}" if place else self.message


class RowsDoNotFitError(InvalidError):
    """Rows that do not fit the table: nothing of them was written."""

    code = "rows_do_not_fit"

    def __init__(self, *problems: RowProblem) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


class TableChangedError(RowsDoNotFitError):
    """Rows that fitted the table when they were read, and do not fit it any more.

    Whoever still has the body may read it again.
    """

    code = "table_changed"


class MalformedError(LakehouseError):
    """What was sent is not what it claims to be."""

    code = "malformed_request"


class MalformedBodyError(MalformedError):
    """A body that cannot be read in the format that it claims."""

    code = "malformed_body"


class MalformedObjectError(MalformedError):
    """An object that cannot be read in the format that it is to have."""

    code = "malformed_object"


class EmptyBodyError(MalformedError):
    """No body where one is due."""

    code = "empty_body"


class IncompleteBodyError(MalformedError):
    """The sender went away before the whole body had come."""

    code = "incomplete_body"


class MalformedPathError(MalformedError):
    """A path that is not UTF-8."""

    code = "malformed_path"


class InvalidSqlError(MalformedError):
    """SQL that is wrong: its syntax, or a name in it."""

    code = "invalid_sql"

    def __init__(self, detail: str, position: int | None = None) -> None:
        super().__init__(detail)
        self.position = position


class UnsupportedFormatError(LakehouseError):
    """A body in a format that this call does not read."""

    code = "unsupported_media_type"


class UnsupportedCodingError(UnsupportedFormatError):
    """A body packed in a way that is not read here."""

    code = "unsupported_content_coding"


class NotAcceptableError(LakehouseError):
    """An answer is wanted in a format that this call does not write."""

    code = "not_acceptable"


class TooLargeError(LakehouseError):
    """A body, row or statement over its limit."""

    code = "too_large"


class ResultTooLargeError(TooLargeError):
    """A result that is larger than results may be kept."""

    code = "result_too_large"


# -- what the caller may not do ----------------------------------------------------------


class ForbiddenError(LakehouseError):
    """A statement or place that is not allowed."""

    code = "forbidden"


class StatementNotAllowedError(ForbiddenError):
    """SQL that is not one read-only statement."""

    code = "statement_not_allowed"


# -- what is not there, or already there -------------------------------------------------


class NotFoundError(LakehouseError):
    """Something named by the caller does not exist."""

    code = "not_found"


class TableNotFoundError(NotFoundError):
    """No table of that name."""

    code = "table_not_found"


class SnapshotNotFoundError(NotFoundError):
    """No snapshot of that version, or none that old."""

    code = "snapshot_not_found"


class BucketNotFoundError(NotFoundError):
    """No bucket of that name."""

    code = "bucket_not_found"


class ObjectNotFoundError(NotFoundError):
    """No object of that name in the bucket."""

    code = "object_not_found"


class StatementNotFoundError(NotFoundError):
    """No statement of that id, or none any more."""

    code = "statement_not_found"


class ConflictError(LakehouseError):
    """The state of the lake or the store does not allow it."""

    code = "conflict"


class TableExistsError(ConflictError):
    """A table (or view) of that name is already there."""

    code = "table_exists"


class BucketExistsError(ConflictError):
    """A bucket of that name is already there."""

    code = "bucket_exists"


class BucketReservedError(ConflictError):
    """The name belongs to the lake itself, or to somebody else's bucket."""

    code = "bucket_reserved"


class BucketNotEmptyError(ConflictError):
    """A bucket that still holds objects cannot be deleted."""

    code = "bucket_not_empty"


class ObjectNameConflictError(ConflictError):
    """This store cannot hold `x` beside `x/y`."""

    code = "object_name_conflict"


class ObjectChangedError(ConflictError):
    """An object that was replaced while it was read."""

    code = "object_changed"


class WriteConflictError(ConflictError):
    """Another writer changed the table in a way that does not go together."""

    code = "write_conflict"


class StatementChangedError(ConflictError):
    """Somebody else changed the statement at the same time."""

    code = "statement_changed"


class StatementNotEndedError(ConflictError):
    """A result that is not there yet; worth a retry."""

    code = "statement_not_ended"


class NoResultError(ConflictError):
    """A statement that failed or was cancelled, and so has no result."""

    code = "no_result"


class IdempotencyKeyInUseError(ConflictError):
    """A write under the same idempotency key goes on, and did not end in time."""

    code = "idempotency_key_in_use"


class PreconditionFailedError(LakehouseError):
    """A condition of the request (`If-Match`, `If-None-Match`) does not hold."""

    code = "precondition_failed"


class RangeNotSatisfiableError(LakehouseError):
    """A byte range that lies outside of the object.

    Attributes:
        size: The object's size in bytes.
    """

    code = "range_not_satisfiable"

    def __init__(self, detail: str, size: int) -> None:
        super().__init__(detail)
        self.size = size


# -- what is not the caller's doing ------------------------------------------------------


class UnavailableError(LakehouseError):
    """A store, catalog or worker that cannot serve now; worth a retry."""

    code = "unavailable"


class StatementLostError(UnavailableError):
    """A statement whose process ended before it did."""

    code = "statement_lost"


class BusyError(LakehouseError):
    """More work is waiting than the service takes; worth a retry."""

    code = "too_busy"


class UpstreamTimeoutError(LakehouseError):
    """A store or catalog that did not answer in time.

    Attributes:
        until_back: Waits until the call that was given up has come back; None when there is none.
    """

    code = "upstream_timeout"

    def __init__(self, detail: str, until_back: Callable[[], object] | None = None) -> None:
        super().__init__(detail)
        self.until_back = until_back


class QueryTimeoutError(LakehouseError):
    """A query that ran longer than it may.

    Attributes:
        until_stopped: Waits until the engine has stopped working for it; None when it has, or
            when nobody knows how long that may take.
    """

    code = "query_timeout"

    def __init__(self, detail: str, until_stopped: Callable[[], object] | None = None) -> None:
        super().__init__(detail)
        self.until_stopped = until_stopped


class QueryCancelledError(LakehouseError):
    """A query that was stopped before its end."""

    code = "query_cancelled"


class ResourcesExhaustedError(LakehouseError):
    """A query that needs more memory than it may use."""

    code = "resources_exhausted"


class BadUpstreamError(LakehouseError):
    """A store or catalog that answered nonsense."""

    code = "bad_upstream"


class ResultLostError(BadUpstreamError):
    """A statement's result, which the store no longer has as it took it."""

    code = "result_lost"


class StorageFullError(LakehouseError):
    """No space is left where data is kept."""

    code = "storage_full"


class UnsupportedOperationError(LakehouseError):
    """Something that this store or this version does not do."""

    code = "not_implemented"


class LakeLockedError(LakehouseError):
    """Another process holds this lake."""

    code = "lake_locked"


class ConfigurationError(LakehouseError):
    """A setting with which the service cannot start."""

    code = "invalid_configuration"
