"""Work that goes on elsewhere until it is settled, for which nobody has to hold a thread."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Protocol, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Pending(Protocol[T_co]):
    """Something that was begun, and will be done or fail."""

    @property
    @abstractmethod
    def settled(self) -> bool:
        """Whether it is done, or has failed: then `result` waits no more."""

    @property
    @abstractmethod
    def failed(self) -> bool:
        """Whether it is settled, and `result` raises."""

    @abstractmethod
    def when_settled(self, call: Callable[[], None]) -> None:
        """Have something called once as it is settled; at once, when it is by now.

        Args:
            call: Called in any thread, which others wait for: it must be quick, and not raise.
        """

    @abstractmethod
    def result(self) -> T_co:
        """What it gave; waits until it is settled.

        Raises:
            Exception: Why it failed.
        """


class Settled(Pending[T_co]):
    """What was settled at once."""

    def __init__(self, work: Callable[[], T_co]) -> None:
        """Args: work: Done here and now; what it raises is kept for `result`."""
        self._error: Exception | None = None
        try:
            self._value = work()
        except Exception as error:  # noqa: BLE001 - it is raised where the result is taken
            self._error = error

    @property
    def settled(self) -> bool:
        """It is."""
        return True

    @property
    def failed(self) -> bool:
        """Whether the work raised."""
        return self._error is not None

    def when_settled(self, call: Callable[[], None]) -> None:
        """As `Pending.when_settled`: at once."""
        call()

    def result(self) -> T_co:
        """What the work gave, or raised."""
        if self._error is not None:
            raise self._error
        return self._value
