"""Upload an object."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from application.runs import Plan, Run
from domain.datasets import (
    MediaType,
    ObjectMetadata,
    ObjectRef,
    PutOutcome,
    WriteCondition,
)
from domain.lineage import Lifecycle, Operation, Usage
from domain.media_types import guess_media_type
from domain.ports.datasets import DatasetPort


@dataclass(frozen=True, slots=True)
class UploadObjectCommand:
    """Where the bytes go, and what they are.

    Attributes:
        ref: The object's place.
        body: Its bytes, in chunks.
        size: How many there will be, when that is known.
        media_type: What they are; None guesses it from the name.
        metadata: The user's metadata.
        condition: When the upload may go ahead.
    """

    ref: ObjectRef
    body: Iterable[bytes]
    size: int | None = None
    media_type: MediaType | None = None
    metadata: ObjectMetadata = field(default_factory=ObjectMetadata)
    condition: WriteCondition = field(default_factory=WriteCondition)


@dataclass(frozen=True, slots=True)
class UploadObject:
    """Write an object as a whole, in the place of the one that was there."""

    datasets: DatasetPort
    operation: ClassVar[Operation] = Operation.OBJECT_UPLOAD

    def plan(self, command: UploadObjectCommand) -> Plan:
        """The run writes the object."""
        return Plan(command.ref, outputs=(Usage(command.ref),))

    def __call__(self, command: UploadObjectCommand, run: Run) -> PutOutcome:
        """Raises: InvalidObjectNameError, and what `DatasetPort.put_object` raises."""
        command.ref.name.check_writable()
        outcome = self.datasets.put_object(
            command.ref,
            command.body,
            size=command.size,
            media_type=command.media_type or guess_media_type(str(command.ref.name)),
            metadata=command.metadata,
            condition=command.condition,
        )
        run.writes(
            Usage(
                command.ref,
                version=outcome.info.etag,
                size_bytes=outcome.info.size,
                lifecycle=Lifecycle.CREATE if outcome.created else Lifecycle.OVERWRITE,
            )
        )
        return outcome
