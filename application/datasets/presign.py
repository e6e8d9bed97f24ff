"""Give leave to read or write one object for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from application.runs import Plan, Run
from domain.lineage import Operation
from domain.ports.datasets import DatasetPort
from domain.presigned import PresignedUrl, PresignRequest


@dataclass(frozen=True, slots=True)
class PresignObjectCommand:
    """Which URL is wanted."""

    request: PresignRequest


@dataclass(frozen=True, slots=True)
class PresignObject:
    """Give a URL with which an object can be read or written past this service."""

    datasets: DatasetPort
    operation: ClassVar[Operation] = Operation.OBJECT_PRESIGN

    def plan(self, command: PresignObjectCommand) -> Plan:
        """The run is named after the object, and neither reads nor writes it.

        What is done with the URL, if anything, happens later and elsewhere; the run tells
        only that leave was given.
        """
        return Plan(command.request.ref)

    def __call__(self, command: PresignObjectCommand, run: Run) -> PresignedUrl:  # noqa: ARG002
        """Raises: BucketNotFoundError, UnsupportedOperationError."""
        return self.datasets.presign(command.request)
