"""The statement port on an object store, through the dataset port."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import count

from adapters.statements.folder import Folder
from adapters.statements.records import from_json, to_json
from domain.datasets import BucketName, ByteStream, MediaType, WriteCondition
from domain.errors import (
    ObjectNotFoundError,
    PreconditionFailedError,
    ResultLostError,
    StatementChangedError,
    StatementNotFoundError,
)
from domain.ports.datasets import DatasetPort
from domain.ports.statements import StatementPort
from domain.statements import Statement, StatementId, StatementPage, StoredStatement

KNOWN_RECORDS = 10_000
"""So many statements that have ended are kept in memory: they do not change any more."""


class ObjectStatements(StatementPort):
    """Statements in a bucket: `state/{id}.json`, `results/{id}.arrow`, `runners/{runner}.json`.

    A change of a statement is a write with `If-Match`, so of two at the same time one fails. On
    a store that lets such a write go ahead when the object was deleted in that very moment
    (MinIO), a statement that is forgotten as it is changed may come back; only one that has
    ended is forgotten, and nobody changes that.

    Thread-safe, as far as the store is.
    """

    def __init__(self, store: DatasetPort, bucket: BucketName, prefix: str = "") -> None:
        """Args: store: Where the bucket is. bucket: The bucket. prefix: Where in the bucket."""

        def folder(name: str, suffix: str, media_type: str) -> Folder:
            return Folder(store, bucket, f"{prefix}{name}/", suffix, MediaType(media_type))

        self._states = folder("state", ".json", "application/json")
        self._results = folder("results", ".arrow", "application/vnd.apache.arrow.stream")
        self._runners = folder("runners", ".json", "application/json")
        self._beats = count()
        self._ended: dict[str, StoredStatement] = {}
        self._lock = threading.Lock()

    def create(self, statement: Statement) -> StoredStatement:
        """As the port says."""
        return self._write(statement, WriteCondition(if_none_match=True))

    def replace(self, statement: Statement, version: str) -> StoredStatement:
        """As the port says; the version is the object's entity tag."""
        return self._write(statement, WriteCondition(if_match=(version,)))

    def _write(self, statement: Statement, condition: WriteCondition) -> StoredStatement:
        try:
            etag, _ = self._states.put(str(statement.id), [to_json(statement)], condition)
        except PreconditionFailedError as error:
            raise StatementChangedError(
                f"The statement {statement.id} was changed at the same time."
            ) from error
        return StoredStatement(statement, etag)

    def find(self, statement_id: StatementId) -> StoredStatement:
        """As the port says."""
        try:
            etag, content = self._states.read(str(statement_id))
        except ObjectNotFoundError as error:
            raise _not_found(statement_id) from error
        except PreconditionFailedError as error:
            raise StatementChangedError(
                f"The statement {statement_id} is being changed; try again."
            ) from error
        return StoredStatement(from_json(content), etag)

    def list(self, after: StatementId | None, limit: int) -> StatementPage:
        """As the port says. Statements that ended are read from the store once."""
        found: list[StoredStatement] = []
        for name, summary in self._states.list(None if after is None else str(after)):
            if len(found) == limit:
                return StatementPage(tuple(found), found[-1].statement.id)
            # It may be forgotten in the meantime, or the object may be none of ours.
            with suppress(StatementNotFoundError):
                found.append(self._known(name, summary.etag) or self._learnt(name))
        return StatementPage(tuple(found), None)

    def _known(self, name: str, etag: str) -> StoredStatement | None:
        known = self._ended.get(name)
        return known if known is not None and known.version == etag else None

    def _learnt(self, name: str) -> StoredStatement:
        stored = self.find(StatementId(name))
        if stored.statement.state.ended:
            with self._lock:
                if len(self._ended) >= KNOWN_RECORDS:
                    self._ended.pop(next(iter(self._ended)))
                self._ended[name] = stored
        return stored

    def forget(self, statement_id: StatementId) -> None:
        """As the port says: a statement that is there has its result.

        A result that a crash leaves belongs to no statement, which whoever looks can see.
        """
        self._states.delete(str(statement_id))
        with self._lock:
            self._ended.pop(str(statement_id), None)
        self.delete_result(statement_id)

    def put_result(self, statement_id: StatementId, content: Iterable[bytes]) -> int:
        """As the port says."""
        _, size = self._results.put(str(statement_id), content)
        return size

    def open_result(self, statement_id: StatementId, size_bytes: int) -> ByteStream:
        """As the port says."""
        try:
            size, content = self._results.open(str(statement_id))
        except (ObjectNotFoundError, PreconditionFailedError) as error:
            raise StatementNotFoundError(
                f"The result of the statement {statement_id} is not there any more."
            ) from error
        if size != size_bytes:
            content.close()
            raise _lost()
        return _Result(content)

    def delete_result(self, statement_id: StatementId) -> None:
        """As the port says."""
        self._results.delete(str(statement_id))

    def list_results(self) -> Sequence[StatementId]:
        """As the port says."""
        found = []
        for name, _ in self._results.list():
            with suppress(StatementNotFoundError):
                found.append(StatementId(name))
        return found

    def beat(self, runner: str) -> None:
        """As the port says."""
        self._runners.put(runner, [json.dumps({"v": 1, "beat": next(self._beats)}).encode()])

    def pulses(self) -> dict[str, str]:
        """As the port says; a sign is the object's entity tag."""
        return {name: summary.etag for name, summary in self._runners.list()}

    def stop_beating(self, runner: str) -> None:
        """As the port says."""
        self._runners.delete(runner)


class _Result(ByteStream):
    """The bytes of a result, which nobody replaces: what is another object is a loss."""

    def __init__(self, content: ByteStream) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._content
        except (ObjectNotFoundError, PreconditionFailedError) as error:
            raise _lost() from error

    def close(self) -> None:
        self._content.close()


def _lost() -> ResultLostError:
    return ResultLostError(
        "The store does not have the result as it took it; submit the statement again."
    )


def _not_found(statement_id: StatementId) -> StatementNotFoundError:
    return StatementNotFoundError(f"There is no statement {statement_id}.")
