"""How the command ends: one code for each kind of cause."""

from __future__ import annotations

from enum import IntEnum

from domain.errors import (
    BadUpstreamError,
    BusyError,
    ConfigurationError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    LakehouseError,
    LakeLockedError,
    MalformedError,
    NotAcceptableError,
    NotFoundError,
    PreconditionFailedError,
    QueryCancelledError,
    QueryTimeoutError,
    RangeNotSatisfiableError,
    ResourcesExhaustedError,
    StorageFullError,
    TooLargeError,
    UnavailableError,
    UnsupportedFormatError,
    UnsupportedOperationError,
    UpstreamTimeoutError,
)


class ExitCode(IntEnum):
    """What the command tells its caller when it ends."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    NOT_FOUND = 3
    CONFLICT = 4
    INVALID = 5
    FORBIDDEN = 6
    UNAVAILABLE = 7
    LOCKED = 8
    CONFIGURATION = 9
    EXHAUSTED = 10
    UNSUPPORTED = 11
    LOCAL_FILE = 12
    DAMAGED = 13
    STOPPED = 130
    PIPE_CLOSED = 141


MEANING_OF_EXIT_CODE = {
    ExitCode.OK: "done",
    ExitCode.FAILURE: "something that nobody expected",
    ExitCode.USAGE: "the command line is wrong",
    ExitCode.NOT_FOUND: "no such table, bucket, object or snapshot",
    ExitCode.CONFLICT: "it exists, is not empty, was changed, or a condition does not hold",
    ExitCode.INVALID: "a name, type, row, file or SQL that is against the rules",
    ExitCode.FORBIDDEN: "a statement that is not allowed",
    ExitCode.UNAVAILABLE: "the store or the catalog does not answer; try again",
    ExitCode.LOCKED: "another process holds the lake",
    ExitCode.CONFIGURATION: "a setting is wrong",
    ExitCode.EXHAUSTED: "out of time, memory or space",
    ExitCode.UNSUPPORTED: "this store or version does not do it",
    ExitCode.LOCAL_FILE: "a local file cannot be read or written",
    ExitCode.DAMAGED: "data files of the lake are damaged or missing (check)",
    ExitCode.STOPPED: "stopped by you: Ctrl-C, or no to a question",
    ExitCode.PIPE_CLOSED: "who read the output went away",
}

_CODE_OF_ERROR: tuple[tuple[type[LakehouseError], ExitCode], ...] = (
    (NotFoundError, ExitCode.NOT_FOUND),
    (ConflictError, ExitCode.CONFLICT),
    (PreconditionFailedError, ExitCode.CONFLICT),
    (InvalidError, ExitCode.INVALID),
    (MalformedError, ExitCode.INVALID),
    (UnsupportedFormatError, ExitCode.INVALID),
    (NotAcceptableError, ExitCode.INVALID),
    (TooLargeError, ExitCode.INVALID),
    (RangeNotSatisfiableError, ExitCode.INVALID),
    (ForbiddenError, ExitCode.FORBIDDEN),
    (UnavailableError, ExitCode.UNAVAILABLE),
    (BusyError, ExitCode.UNAVAILABLE),
    (UpstreamTimeoutError, ExitCode.UNAVAILABLE),
    (BadUpstreamError, ExitCode.UNAVAILABLE),
    (LakeLockedError, ExitCode.LOCKED),
    (ConfigurationError, ExitCode.CONFIGURATION),
    (QueryTimeoutError, ExitCode.EXHAUSTED),
    (ResourcesExhaustedError, ExitCode.EXHAUSTED),
    (StorageFullError, ExitCode.EXHAUSTED),
    (UnsupportedOperationError, ExitCode.UNSUPPORTED),
    (QueryCancelledError, ExitCode.STOPPED),
)


def exit_code_of(error: LakehouseError) -> ExitCode:
    """The code that tells of an error."""
    for kind, code in _CODE_OF_ERROR:
        if isinstance(error, kind):
            return code
    return ExitCode.FAILURE
