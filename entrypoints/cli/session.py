"""One run of the command: its settings, its container, and work that Ctrl-C can stop."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import typer

from domain.datasets import ByteStream
from domain.errors import QueryCancelledError

if TYPE_CHECKING:
    from entrypoints.container import Container
    from entrypoints.settings import Settings

# ruff: noqa: PLC0415 - what is imported here takes long, and --help does without

T = TypeVar("T")
V = TypeVar("V")

_WEB_FRAMEWORKS = ("fastapi", "starlette", "werkzeug")
_WORKER = "ducklake-work"

STOP_S = 10.0
"""How long work may take to end once Ctrl-C asked it to; a second Ctrl-C does not wait."""


class Session:
    """What the commands share.

    Args:
        home: The lake's home, when the command line names one.
        verbose: Log what goes on.
        container: The parts; None builds them from the settings when they are first needed.
    """

    def __init__(
        self,
        *,
        home: Path | None = None,
        verbose: bool = False,
        container: Container | None = None,
    ) -> None:
        self._home = home
        self._verbose = verbose
        self._container = container
        self._owns_container = container is None
        self._stopped = threading.Event()
        self._stops: list[Callable[[], None]] = []

    def settings(self, *, host: str | None = None, port: int | None = None) -> Settings:
        """The settings; what the command line says comes before the environment.

        Raises:
            ConfigurationError: When one is wrong.
        """
        from entrypoints.settings import load_settings

        return load_settings(home=self._home, host=host, port=port)

    def run(self, job: Callable[[Container], T]) -> T:
        """Do work on the lake in a thread of its own, so that Ctrl-C need not wait for it.

        Work that ends in spite of Ctrl-C has been done, so its result is returned.

        Raises:
            KeyboardInterrupt: When it was stopped.
            Exception: What the work raises.
        """
        outcome: Future[T] = Future()

        def work() -> None:
            try:
                lake = self._opened()
                self._check()
                outcome.set_result(job(lake))
            except BaseException as error:  # noqa: BLE001 - it is raised where the work is awaited
                outcome.set_exception(error)

        worker = threading.Thread(target=work, name=_WORKER, daemon=True)
        worker.start()
        try:
            return outcome.result()
        except KeyboardInterrupt:
            self._stopped.set()
            for stop in list(self._stops):
                stop()
            worker.join(STOP_S)
            if outcome.done() and outcome.exception() is None:
                return outcome.result()
            raise

    def watched(self, chunks: Iterable[V]) -> Iterator[V]:
        """The chunks, until Ctrl-C.

        Raises:
            QueryCancelledError: When Ctrl-C came.
        """
        for chunk in chunks:
            self._check()
            yield chunk

    @contextmanager
    def stoppable(self, stream: ByteStream) -> Iterator[ByteStream]:
        """A stream that is closed at the end, and by Ctrl-C while the engine works for it.

        Raises:
            QueryCancelledError: When Ctrl-C came before.
        """
        self._stops.append(stream.close)
        try:
            # Behind the line above, so that one of the two sees a Ctrl-C that comes right now.
            self._check()
            yield stream
        finally:
            self._stops.remove(stream.close)
            stream.close()

    def close(self) -> None:
        """Flush lineage within its deadline, and let the lake go."""
        container, self._container = self._container, None
        if container is not None and self._owns_container:
            from entrypoints.container import close_container

            close_container(container)

    def _check(self) -> None:
        if self._stopped.is_set():
            raise QueryCancelledError("Interrupted.")

    def _opened(self) -> Container:
        if self._container is None:
            with _no_web_frameworks():
                from entrypoints.container import build_container
            from entrypoints.logging import configure_logging
            from entrypoints.settings import LogLevel

            settings = self.settings()
            level = settings.log_level
            if self._verbose:
                level = LogLevel.DEBUG
            elif "log_level" not in settings.model_fields_set:
                level = LogLevel.WARNING
            configure_logging(level, settings.log_format)
            self._container = build_container(settings)
        return self._container


def session_of(context: typer.Context) -> Session:
    """The session that the command runs in."""
    return cast("Session", context.find_object(Session))


@contextmanager
def _no_web_frameworks() -> Iterator[None]:
    """Keep dependency_injector from importing web frameworks, a third of the command's start.

    It looks for them so as to wire containers into their routes; nothing is wired here.
    """
    hidden = [name for name in _WEB_FRAMEWORKS if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type] # None: not to be found
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def work_goes_on() -> bool:
    """Whether there is work that nothing could stop."""
    return any(thread.name == _WORKER for thread in threading.enumerate())
