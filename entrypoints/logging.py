"""Logging: loguru for all, the standard library's loggers included, one line an event."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Any, TextIO

from loguru import logger

from entrypoints.log_lines import LineWriter
from entrypoints.settings import LogFormat, LogLevel

if TYPE_CHECKING:
    from loguru import Record

QUIET_LOGGERS = ("urllib3", "openlineage", "asyncio")
"""Libraries that tell at INFO what only their makers want to know."""


class InterceptHandler(logging.Handler):
    """Hands what the standard library's loggers get to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on, with its level, its logger's name and its exception."""
        try:
            level: str | int = logger.level(record.levelname).name
        except ValueError:
            level = record.levelno
        bound = logger.bind(logger=record.name)
        bound.opt(exception=record.exc_info).log(level, "{}", record.getMessage())


def configure_logging(
    level: LogLevel,
    log_format: LogFormat,
    stream: TextIO | None = None,
    *,
    in_background: bool = False,
) -> None:
    """Send all log lines to one stream, and nowhere else.

    Args:
        level: Lines below this level are left out.
        log_format: What a line looks like.
        stream: Where they go; stderr when none is named.
        in_background: Whether lines below WARNING are written a moment later, many at once.
    """
    name = level.value.upper()
    sink = _JsonSink if log_format is LogFormat.JSON else _TextSink
    logger.remove()
    lines = LineWriter(stream or sys.stderr, in_background=in_background)
    # `diagnose` would print the values of variables, secrets among them.
    logger.add(sink(lines), level=name, format="{message}", backtrace=False, diagnose=False)
    logging.basicConfig(handlers=[InterceptHandler()], level=name, force=True)
    logging.captureWarnings(capture=True)
    for quiet in QUIET_LOGGERS:
        logging.getLogger(quiet).setLevel(max(logging.WARNING, logger.level(name).no))


def _without_line_breaks(text: str) -> str:
    """One event, one line: what a client sent must not be able to forge a second one."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


class _Sink:
    """Writes each message as lines; what tells of trouble before anything else happens."""

    def __init__(self, lines: LineWriter) -> None:
        self._lines = lines

    def write(self, message: Any) -> None:
        record: Record = message.record
        # `str(message)` is the message, and behind it the traceback when there is one.
        traceback = str(message).removeprefix(record["message"]).strip("\n")
        is_trouble = record["level"].no >= logging.WARNING
        self._lines.write(self.line(record, traceback), at_once=is_trouble)

    def stop(self) -> None:
        """Called when the sink is removed, at the end of the process at last."""
        self._lines.stop()

    def line(self, record: Record, traceback: str) -> str:
        raise NotImplementedError


class _TextSink(_Sink):
    """`time LEVEL message key=value ...`, then the traceback."""

    def line(self, record: Record, traceback: str) -> str:
        time = record["time"].isoformat(timespec="milliseconds")
        extra = "".join(
            f" {name}={_without_line_breaks(str(value))}" for name, value in record["extra"].items()
        )
        message = _without_line_breaks(record["message"])
        line = f"{time} {record['level'].name:<7} {message}{extra}"
        return f"{line}\n{traceback}" if traceback else line


class _JsonSink(_Sink):
    """One JSON object a line."""

    def line(self, record: Record, traceback: str) -> str:
        fields = {
            "time": record["time"].isoformat(timespec="milliseconds"),
            "level": record["level"].name.lower(),
            "message": record["message"],
            **record["extra"],
        }
        if traceback:
            fields["traceback"] = traceback
        return json.dumps(fields, default=str, ensure_ascii=False)
