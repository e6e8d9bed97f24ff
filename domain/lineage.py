"""Lineage: the runs of data operations, and what they read and wrote.

The words are OpenLineage's (https://openlineage.io/docs/spec/object-model).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.datasets import BucketName, ObjectRef
from domain.randomness import random_bytes
from domain.tables import Column, TableName

_TIME = (1 << 48) - 1
_MARKS = 0x7 << 76 | 0x2 << 62
_RANDOM = (1 << 80) - 1 & ~(0xF << 76) & ~(0x3 << 62)


def new_run_id() -> str:
    """A new run's id: a UUID of version 7 (RFC 9562, 5.7), so that ids sort by time."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & _TIME) << 80 | int.from_bytes(random_bytes()) & _RANDOM | _MARKS
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class Operation(StrEnum):
    """What a run does; the first part of its job's name."""

    TABLE_CREATE = "table.create"
    TABLE_LIST = "table.list"
    TABLE_DESCRIBE = "table.describe"
    TABLE_APPEND = "table.append"
    TABLE_DROP = "table.drop"
    TABLE_LOAD = "table.load"
    TABLE_EXPORT = "table.export"
    QUERY = "query"
    BUCKET_CREATE = "bucket.create"
    BUCKET_LIST = "bucket.list"
    BUCKET_DELETE = "bucket.delete"
    OBJECT_UPLOAD = "object.upload"
    OBJECT_DOWNLOAD = "object.download"
    OBJECT_DESCRIBE = "object.describe"
    OBJECT_DELETE = "object.delete"
    OBJECT_LIST = "object.list"
    OBJECT_PRESIGN = "object.presign"
    LAKE_CHECK = "lake.check"
    LAKE_REPAIR = "lake.repair"
    ORPHANS_DELETE = "orphans.delete"


class RunState(StrEnum):
    """How far a run has come. A run has one START and one of the others."""

    START = "START"
    COMPLETE = "COMPLETE"
    FAIL = "FAIL"
    ABORT = "ABORT"


class Lifecycle(StrEnum):
    """What happened to a dataset as a whole."""

    CREATE = "CREATE"
    DROP = "DROP"
    OVERWRITE = "OVERWRITE"


Subject = TableName | ObjectRef | BucketName
"""What a run can read or write."""


@dataclass(frozen=True, slots=True)
class Usage:
    """One thing that a run reads or writes, and what is known of it.

    Attributes:
        subject: The thing.
        version: A table's snapshot, an object's entity tag.
        columns: A table's columns.
        row_count: Rows read or written.
        size_bytes: Bytes read or written.
        lifecycle: What happened to it as a whole.
    """

    subject: Subject
    version: str | None = None
    columns: tuple[Column, ...] | None = None
    row_count: int | None = None
    size_bytes: int | None = None
    lifecycle: Lifecycle | None = None


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Something that happened to a run, as plain facts: publishers make their words of it.

    Attributes:
        run_id: The run.
        operation: What it does.
        subject: What it is named after; None when it is about the lake as a whole.
        state: How far it has come.
        time: When that was (UTC).
        inputs: What it reads.
        outputs: What it writes.
        sql: The statement that it runs.
        error: Why it failed.
    """

    run_id: str
    operation: Operation
    subject: Subject | None
    state: RunState
    time: datetime
    inputs: tuple[Usage, ...] = ()
    outputs: tuple[Usage, ...] = ()
    sql: str | None = None
    error: str | None = None
