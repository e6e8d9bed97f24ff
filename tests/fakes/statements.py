"""Statements and their results in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from domain.datasets import ByteStream
from domain.errors import ResultLostError, StatementChangedError, StatementNotFoundError
from domain.ports.statements import StatementPort
from domain.statements import Statement, StatementId, StatementPage, StoredStatement


class FakeStatements(StatementPort):
    """What several replicas of a test share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._versions = count()
        self._stored: dict[str, StoredStatement] = {}
        self._results: dict[str, bytes] = {}
        self._pulses: dict[str, str] = {}

    def create(self, statement: Statement) -> StoredStatement:
        with self._lock:
            if str(statement.id) in self._stored:
                raise StatementChangedError(f"There is a statement {statement.id} already.")
            return self._store(statement)

    def replace(self, statement: Statement, version: str) -> StoredStatement:
        with self._lock:
            there = self._stored.get(str(statement.id))
            if there is None or there.version != version:
                raise StatementChangedError(f"The statement {statement.id} was changed.")
            return self._store(statement)

    def _store(self, statement: Statement) -> StoredStatement:
        stored = StoredStatement(statement, str(next(self._versions)))
        self._stored[str(statement.id)] = stored
        return stored

    def find(self, statement_id: StatementId) -> StoredStatement:
        with self._lock:
            try:
                return self._stored[str(statement_id)]
            except KeyError as error:
                raise StatementNotFoundError(f"There is no statement {statement_id}.") from error

    def list(self, after: StatementId | None, limit: int) -> StatementPage:
        with self._lock:
            found = [
                stored
                for name, stored in sorted(self._stored.items())
                if after is None or name > str(after)
            ]
        page = tuple(found[:limit])
        return StatementPage(page, page[-1].statement.id if len(found) > limit else None)

    def forget(self, statement_id: StatementId) -> None:
        with self._lock:
            self._results.pop(str(statement_id), None)
            self._stored.pop(str(statement_id), None)

    def put_result(self, statement_id: StatementId, content: Iterable[bytes]) -> int:
        result = b"".join(content)
        with self._lock:
            self._results[str(statement_id)] = result
        return len(result)

    def open_result(self, statement_id: StatementId, size_bytes: int) -> ByteStream:
        with self._lock:
            try:
                content = self._results[str(statement_id)]
            except KeyError as error:
                raise StatementNotFoundError(f"{statement_id} has no result.") from error
        if len(content) != size_bytes:
            raise ResultLostError(f"The result of {statement_id} is another one.")
        return _Bytes(content)

    def delete_result(self, statement_id: StatementId) -> None:
        with self._lock:
            self._results.pop(str(statement_id), None)

    def list_results(self) -> Sequence[StatementId]:
        with self._lock:
            return [StatementId(name) for name in sorted(self._results)]

    def beat(self, runner: str) -> None:
        with self._lock:
            self._pulses[runner] = str(next(self._versions))

    def pulses(self) -> dict[str, str]:
        with self._lock:
            return dict(self._pulses)

    def stop_beating(self, runner: str) -> None:
        with self._lock:
            self._pulses.pop(runner, None)


class _Bytes(ByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content

    def close(self) -> None:
        """Nothing is held."""
