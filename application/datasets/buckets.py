"""Make, list and delete buckets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from application.runs import Plan, Run
from domain.datasets import Bucket, BucketName
from domain.lineage import Lifecycle, Operation, Usage
from domain.ports.datasets import DatasetPort


@dataclass(frozen=True, slots=True)
class BucketCommand:
    """Which bucket."""

    bucket: BucketName


@dataclass(frozen=True, slots=True)
class CreateBucket:
    """Make a bucket."""

    datasets: DatasetPort
    operation: ClassVar[Operation] = Operation.BUCKET_CREATE

    def plan(self, command: BucketCommand) -> Plan:
        """The run writes the bucket."""
        return Plan(command.bucket, outputs=(Usage(command.bucket),))

    def __call__(self, command: BucketCommand, run: Run) -> Bucket:
        """Raises: BucketExistsError, BucketReservedError."""
        bucket = self.datasets.create_bucket(command.bucket)
        run.writes(Usage(command.bucket, lifecycle=Lifecycle.CREATE))
        return bucket


@dataclass(frozen=True, slots=True)
class ListBucketsCommand:
    """All buckets."""


@dataclass(frozen=True, slots=True)
class ListBuckets:
    """List all buckets."""

    datasets: DatasetPort
    operation: ClassVar[Operation] = Operation.BUCKET_LIST

    def plan(self, command: ListBucketsCommand) -> Plan:  # noqa: ARG002 - there is nothing to plan
        """The run reads no bucket, only their names."""
        return Plan()

    def __call__(self, command: ListBucketsCommand, run: Run) -> Sequence[Bucket]:  # noqa: ARG002
        """Raises: what `DatasetPort.list_buckets` raises."""
        return self.datasets.list_buckets()


@dataclass(frozen=True, slots=True)
class DeleteBucket:
    """Delete an empty bucket."""

    datasets: DatasetPort
    operation: ClassVar[Operation] = Operation.BUCKET_DELETE

    def plan(self, command: BucketCommand) -> Plan:
        """The run writes the bucket."""
        return Plan(command.bucket, outputs=(Usage(command.bucket),))

    def __call__(self, command: BucketCommand, run: Run) -> None:
        """Raises: BucketNotFoundError, BucketNotEmptyError."""
        self.datasets.delete_bucket(command.bucket)
        run.writes(Usage(command.bucket, lifecycle=Lifecycle.DROP))
