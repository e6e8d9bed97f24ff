"""List and delete objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from application.runs import Plan, Run
from domain.datasets import BucketName, ListRequest, ObjectPage, ObjectRef
from domain.lineage import Lifecycle, Operation, Usage
from domain.ports.datasets import DatasetPort


@dataclass(frozen=True, slots=True)
class ListObjectsCommand:
    """Which objects of which bucket."""

    bucket: BucketName
    request: ListRequest = field(default_factory=ListRequest)


@dataclass(frozen=True, slots=True)
class ListObjects:
    """List a page of a bucket's objects."""

    datasets: DatasetPort
    operation: ClassVar[Operation] = Operation.OBJECT_LIST

    def plan(self, command: ListObjectsCommand) -> Plan:
        """The run reads the bucket."""
        return Plan(command.bucket, inputs=(Usage(command.bucket),))

    def __call__(self, command: ListObjectsCommand, run: Run) -> ObjectPage:  # noqa: ARG002
        """Raises: BucketNotFoundError."""
        return self.datasets.list_objects(command.bucket, command.request)


@dataclass(frozen=True, slots=True)
class DeleteObjectCommand:
    """Which object."""

    ref: ObjectRef


@dataclass(frozen=True, slots=True)
class DeleteObject:
    """Delete an object; one that is not there is no error, as in S3."""

    datasets: DatasetPort
    operation: ClassVar[Operation] = Operation.OBJECT_DELETE

    def plan(self, command: DeleteObjectCommand) -> Plan:
        """The run writes the object."""
        return Plan(command.ref, outputs=(Usage(command.ref),))

    def __call__(self, command: DeleteObjectCommand, run: Run) -> None:
        """Raises: BucketNotFoundError."""
        self.datasets.delete_object(command.ref)
        run.writes(Usage(command.ref, lifecycle=Lifecycle.DROP))
