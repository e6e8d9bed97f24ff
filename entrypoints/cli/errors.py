"""Errors as a user sees them: one sentence on stderr, and what to try next."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from domain.errors import (
    BucketExistsError,
    BucketNotEmptyError,
    BucketNotFoundError,
    BusyError,
    EmptyBodyError,
    InvalidColumnError,
    InvalidSqlError,
    LakehouseError,
    LakeLockedError,
    ObjectNotFoundError,
    PreconditionFailedError,
    QueryCancelledError,
    QueryTimeoutError,
    ResourcesExhaustedError,
    RowsDoNotFitError,
    SnapshotNotFoundError,
    StatementNotAllowedError,
    TableExistsError,
    TableNotFoundError,
    UnavailableError,
    UpstreamTimeoutError,
    WriteConflictError,
)
from entrypoints.cli.exit_codes import ExitCode, exit_code_of
from entrypoints.cli.output import printable, stderr_console
from entrypoints.cli.usage import DeclinedError

MAX_PROBLEMS = 10

_logger = logging.getLogger(__name__)

_TRY_AGAIN = "Try again in a moment."
_ADVICE: tuple[tuple[type[LakehouseError], str], ...] = (
    (TableNotFoundError, "'ducklake tables list' shows the tables."),
    (SnapshotNotFoundError, "'ducklake tables describe NAME' shows the newest snapshot."),
    (BucketNotFoundError, "'ducklake datasets list' shows the buckets."),
    (ObjectNotFoundError, "'ducklake datasets ls BUCKET' shows the objects."),
    (TableExistsError, "--if-exists ignore leaves it alone, --if-exists replace makes it anew."),
    (BucketExistsError, "'ducklake datasets list' shows the buckets."),
    (BucketNotEmptyError, "'ducklake datasets rm BUCKET/KEY' deletes what it holds."),
    (PreconditionFailedError, "'ducklake datasets stat BUCKET/KEY' shows what is there."),
    (RowsDoNotFitError, "'ducklake tables describe NAME' shows the columns."),
    (EmptyBodyError, "An empty JSON array, [], appends no rows."),
    (InvalidColumnError, "A column reads like 'id BIGINT NOT NULL' or 'price DECIMAL(9,2)'."),
    (
        InvalidSqlError,
        "'ducklake tables list' shows the tables, 'ducklake tables describe NAME' the columns.",
    ),
    (StatementNotAllowedError, "'ducklake tables --help' shows the commands that write."),
    (
        LakeLockedError,
        "Stop that process, or use its API while it serves; --home names another lake.",
    ),
    (WriteConflictError, _TRY_AGAIN),
    (UnavailableError, _TRY_AGAIN),
    (BusyError, _TRY_AGAIN),
    (UpstreamTimeoutError, _TRY_AGAIN),
    (QueryTimeoutError, "--timeout SECONDS lets it run longer."),
    (ResourcesExhaustedError, "DUCKLAKE_MEMORY_LIMIT=8GB lets queries use more."),
)


def report(error: BaseException) -> int:
    """Tell of an error on stderr.

    Returns:
        The exit code.
    """
    match error:
        case QueryCancelledError() | KeyboardInterrupt():
            code = _stopped("Interrupted.")
        case DeclinedError() | typer.Abort():
            code = _stopped("Nothing was done.")
        case LakehouseError():
            _tell(*_sentences(error))
            code = exit_code_of(error)
        case typer.TyperException():
            code = _report_usage(error)
        case OSError():
            place = f"{error.filename}: " if error.filename else ""
            _tell(f"{place}{error.strerror or type(error).__name__}.", "")
            code = ExitCode.LOCAL_FILE
        case _:
            _log(error)
            _tell(
                f"Something failed that nobody expected ({type(error).__name__}).",
                "'ducklake --verbose ...' tells more of it; please report that.",
            )
            code = ExitCode.FAILURE
    return code


@contextmanager
def pointing_into(sql: str | None) -> Iterator[None]:
    """While this lasts, an error shows where in the SQL its cause is; None where there is none."""
    try:
        yield
    except LakehouseError as error:
        if sql is not None:
            _point_into(error, sql)
        raise


def _point_into(error: LakehouseError, sql: str) -> None:
    if error.position is None or error.position > len(sql):
        return
    begin = sql.rfind("\n", 0, error.position) + 1
    end = sql.find("\n", error.position)
    line = sql[begin : end if end >= 0 else len(sql)]
    column = error.position - begin
    if line.isprintable():
        error.add_note(f"{line}\n{' ' * column}^")


def _sentences(error: LakehouseError) -> tuple[str, str]:
    detail = error.detail
    if isinstance(error, RowsDoNotFitError):
        shown = [f"  {problem}" for problem in error.problems[:MAX_PROBLEMS]]
        detail = "\n".join(["The rows do not fit the table, and none was written:", *shown])
    for note in getattr(error, "__notes__", ()):
        detail += "\n" + "\n".join(f"  {line}" for line in note.splitlines())
    advice = next((text for kind, text in _ADVICE if isinstance(error, kind)), "")
    return detail, advice


def _report_usage(error: typer.TyperException) -> int:
    context: typer.Context | None = getattr(error, "ctx", None)
    message = error.format_message()
    # Asked for nothing, a group has printed its help already, and its error says nothing.
    if message:
        # Those that are raised here say themselves what to do.
        advice = f"'{context.command_path} --help' shows how it goes." if context else ""
        _tell(message, advice)
    return error.exit_code


def _stopped(sentence: str) -> int:
    typer.echo(sentence, err=True)
    return ExitCode.STOPPED


def _tell(sentence: str, advice: str) -> None:
    from rich.text import Text  # noqa: PLC0415 - only who fails waits for its import

    text = Text.assemble(("Error:", "bold red"), " ", printable(sentence, keep="\n"))
    if advice:
        text.append(f"\n{advice}", "dim")
    stderr_console().print(text, soft_wrap=True)


def _log(error: BaseException) -> None:
    """Tell those who asked for it (--verbose) where it happened."""
    # By the standard library: where logging was not set up, nobody asked.
    _logger.debug("The command failed.", exc_info=error)
