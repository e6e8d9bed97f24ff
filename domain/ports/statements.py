"""The port to where statements and their results are kept, for all replicas of the service."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Protocol

from domain.datasets import ByteStream
from domain.statements import Statement, StatementId, StatementPage, StoredStatement


class StatementPort(Protocol):
    """Keeps what is known of statements, their results, and the signs of life of runners.

    All replicas see the same. Any call raises `UnavailableError`, `UpstreamTimeoutError` or
    `BadUpstreamError` when the store does not serve.
    """

    @abstractmethod
    def create(self, statement: Statement) -> StoredStatement:
        """Keep a new statement.

        Raises:
            StatementChangedError: When there is one of its id.
            StorageFullError: When there is no space for it.
        """

    @abstractmethod
    def find(self, statement_id: StatementId) -> StoredStatement:
        """A statement as it is now.

        Raises:
            StatementNotFoundError: When it is not there.
        """

    @abstractmethod
    def replace(self, statement: Statement, version: str) -> StoredStatement:
        """Keep a new form of a statement, if it is still as it was in `version`.

        Raises:
            StatementChangedError: When it is another by now, or is not there.
            StorageFullError: When there is no space for it.
        """

    @abstractmethod
    def list(self, after: StatementId | None, limit: int) -> StatementPage:
        """A page of at most `limit` statements, those with ids behind `after`, by id."""

    @abstractmethod
    def forget(self, statement_id: StatementId) -> None:
        """Remove a statement, and then its result, if they are there."""

    @abstractmethod
    def put_result(self, statement_id: StatementId, content: Iterable[bytes]) -> int:
        """Keep a result; its size in bytes.

        Nobody sees any of it before it is there as a whole. When this raises, also because
        `content` raised, nothing of it stays.

        Raises:
            StorageFullError: When there is no space for it.
        """

    @abstractmethod
    def open_result(self, statement_id: StatementId, size_bytes: int) -> ByteStream:
        """The bytes of a result: all of them, or reading them raises.

        Args:
            statement_id: The statement.
            size_bytes: What `put_result` gave.

        Raises:
            StatementNotFoundError: When it is not there.
            ResultLostError: When it is not of that size any more.
        """

    @abstractmethod
    def delete_result(self, statement_id: StatementId) -> None:
        """Remove a result, if it is there."""

    @abstractmethod
    def list_results(self) -> Sequence[StatementId]:
        """The statements that have a result."""

    @abstractmethod
    def beat(self, runner: str) -> None:
        """Give a sign of life of a runner."""

    @abstractmethod
    def pulses(self) -> dict[str, str]:
        """The runners that have given a sign of life, each with its last one.

        Two signs of one runner differ; what they are is not said, so that no clock has to agree
        with another.
        """

    @abstractmethod
    def stop_beating(self, runner: str) -> None:
        """Take back a runner's signs of life, if there are any."""
