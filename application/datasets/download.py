"""Download an object, or say what it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from application.runs import Plan, Run
from domain.conditions import RangeRequest, ReadCondition, Verdict
from domain.datasets import ByteRange, ByteStream, ObjectInfo, ObjectRef, OpenObject
from domain.errors import PreconditionFailedError
from domain.lineage import Operation, Usage
from domain.ports.datasets import DatasetPort


@dataclass(frozen=True, slots=True)
class DownloadObjectCommand:
    """Which object, which part of it, and on what condition."""

    ref: ObjectRef
    part: RangeRequest | None = None
    condition: ReadCondition = field(default_factory=ReadCondition)


@dataclass(frozen=True, slots=True)
class Download:
    """An object on its way to the caller.

    Attributes:
        info: What it is.
        part: Which bytes of it `body` holds; None when all.
        body: The bytes, to be closed; None when the caller's copy is good (not modified).
    """

    info: ObjectInfo
    part: ByteRange | None
    body: ByteStream | None


@dataclass(frozen=True, slots=True)
class DownloadObject:
    """Open an object for reading. The run lasts until its bytes have been read."""

    datasets: DatasetPort
    operation: ClassVar[Operation] = Operation.OBJECT_DOWNLOAD

    def plan(self, command: DownloadObjectCommand) -> Plan:
        """The run reads the object."""
        return Plan(command.ref, inputs=(Usage(command.ref),))

    def __call__(self, command: DownloadObjectCommand, run: Run) -> Download:
        """Raises: ObjectNotFoundError, PreconditionFailedError, RangeNotSatisfiableError."""
        opened = self.datasets.open_object(command.ref)
        try:
            info = opened.info
            run.reads(Usage(command.ref, version=info.etag))
            if not judged(command.condition, info):
                opened.close()
                return Download(info, None, None)
            part = _part(command.part, info)
            body = run.follow(
                _ReadWhenAsked(opened, part),
                at_end=lambda sent: run.reads(Usage(command.ref, info.etag, size_bytes=sent)),
            )
            return Download(info, part, body)
        except BaseException:
            opened.close()
            raise


def judged(condition: ReadCondition, info: ObjectInfo) -> bool:
    """Whether the object is to be answered; False when the caller's copy is good.

    Raises:
        PreconditionFailedError: When the condition does not hold.
    """
    verdict = condition.judge(info.etag, info.last_modified)
    if verdict is Verdict.FAILED:
        raise PreconditionFailedError(f"{info.ref} is not what the condition asks for.")
    return verdict is Verdict.PROCEED


def _part(asked: RangeRequest | None, info: ObjectInfo) -> ByteRange | None:
    # With If-Range, somebody who holds another version gets the whole of this one.
    if asked is None or asked.if_range not in {None, info.etag}:
        return None
    return asked.resolve(info.size)


class _ReadWhenAsked(ByteStream):
    """An object's bytes, asked of the store when the first of them is read."""

    def __init__(self, opened: OpenObject, part: ByteRange | None) -> None:
        self._opened = opened
        self._part = part

    def __iter__(self) -> Iterator[bytes]:
        yield from self._opened.read(self._part)

    def close(self) -> None:
        self._opened.close()


@dataclass(frozen=True, slots=True)
class DescribeObject:
    """Say what an object is, as a download would, without its bytes."""

    datasets: DatasetPort
    operation: ClassVar[Operation] = Operation.OBJECT_DESCRIBE

    def plan(self, command: DownloadObjectCommand) -> Plan:
        """The run reads the object."""
        return Plan(command.ref, inputs=(Usage(command.ref),))

    def __call__(self, command: DownloadObjectCommand, run: Run) -> Download:
        """Raises: ObjectNotFoundError, PreconditionFailedError, RangeNotSatisfiableError."""
        info = self.datasets.stat_object(command.ref)
        run.reads(Usage(command.ref, version=info.etag))
        if not judged(command.condition, info):
            return Download(info, None, None)
        return Download(info, _part(command.part, info), _NoBytes())


class _NoBytes(ByteStream):
    """No bytes at all."""

    def __iter__(self) -> Iterator[bytes]:
        yield from ()

    def close(self) -> None:
        """There is nothing to give back."""
