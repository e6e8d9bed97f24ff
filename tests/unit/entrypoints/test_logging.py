import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator

import pytest
from loguru import logger

from entrypoints.logging import configure_logging
from entrypoints.settings import LogFormat, LogLevel

Configured = Callable[[LogLevel, LogFormat], io.StringIO]


@pytest.fixture
def configured() -> Iterator[Configured]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def configure(level: LogLevel, log_format: LogFormat) -> io.StringIO:
        stream = io.StringIO()
        configure_logging(level, log_format, stream)
        return stream

    yield configure
    logger.remove()
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


def test_text_is_one_line_an_event(configured: Configured) -> None:
    stream = configured(LogLevel.INFO, LogFormat.TEXT)
    logger.bind(path="/a\nb\x1b[31m").info("one\ntwo {}", "{three}")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    assert lines[0].endswith(r"INFO    one\ntwo {three} path=/a\nb\x1b[31m")


def test_json_has_all_fields(configured: Configured) -> None:
    stream = configured(LogLevel.INFO, LogFormat.JSON)
    with logger.contextualize(request_id="r"):
        logger.bind(status=200).info("done \u00e9")
    record = json.loads(stream.getvalue())
    assert record.pop("time").startswith("20")
    assert record == {"level": "info", "message": "done \u00e9", "request_id": "r", "status": 200}


@pytest.mark.parametrize("log_format", list(LogFormat))
def test_the_standard_librarys_loggers_go_the_same_way(
    configured: Configured, log_format: LogFormat
) -> None:
    stream = configured(LogLevel.INFO, log_format)
    logging.getLogger("uvicorn.error").warning("%s <red> {x}", "hello")
    logging.getLogger("urllib3.connectionpool").info("not this")
    logging.getLogger("some").debug("nor this")
    text = stream.getvalue()
    assert "hello <red> {x}" in text
    assert "uvicorn.error" in text
    assert "this" not in text


def test_levels(configured: Configured) -> None:
    stream = configured(LogLevel.ERROR, LogFormat.TEXT)
    logger.warning("no")
    logger.error("yes")
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize("log_format", list(LogFormat))
def test_tracebacks_tell_no_values(configured: Configured, log_format: LogFormat) -> None:
    stream = configured(LogLevel.INFO, log_format)
    password = ["hunter2"]
    try:
        password.index("")
    except ValueError:
        logger.exception("It failed.")
    assert "ValueError" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


def test_warnings_are_logged(configured: Configured) -> None:
    stream = configured(LogLevel.INFO, LogFormat.TEXT)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("beware", UserWarning, stacklevel=1)
        logging.captureWarnings(capture=False)
    assert "beware" in stream.getvalue()


def test_what_tells_of_trouble_does_not_wait_in_the_background(
    configured: Configured,
) -> None:
    configured(LogLevel.INFO, LogFormat.TEXT)
    stream = io.StringIO()
    configure_logging(LogLevel.INFO, LogFormat.TEXT, stream, in_background=True)
    logger.info("first")
    logger.warning("second")
    assert [line.split()[-1] for line in stream.getvalue().splitlines()] == ["first", "second"]


def test_what_waits_in_the_background_is_written_at_the_end(configured: Configured) -> None:
    configured(LogLevel.INFO, LogFormat.TEXT)
    stream = io.StringIO()
    configure_logging(LogLevel.INFO, LogFormat.TEXT, stream, in_background=True)
    logger.info("last words")
    logger.remove()
    assert stream.getvalue().endswith("last words\n")
