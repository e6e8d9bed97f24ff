"""A bucket of a lake's store, for the suites that load objects."""

from __future__ import annotations

from domain.datasets import (
    BucketName,
    MediaType,
    ObjectMetadata,
    ObjectName,
    ObjectRef,
    WriteCondition,
)
from domain.ports.datasets import DatasetPort


class HeldBucket:
    """A bucket, and what is put into it."""

    def __init__(self, datasets: DatasetPort, name: BucketName) -> None:
        self._datasets = datasets
        self.name = name

    def put(self, name: str, content: bytes) -> str:
        """Put an object there; how a load calls it."""
        self._datasets.put_object(
            ObjectRef(self.name, ObjectName(name)),
            [content],
            size=len(content),
            media_type=MediaType(),
            metadata=ObjectMetadata(),
            condition=WriteCondition(),
        )
        return f"{self.name}/{name}"
