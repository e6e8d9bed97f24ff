"""A bucket of a lake's store, for the suites that load objects."""

from __future__ import annotations

from domain.datasets import BucketName
from domain.ports.datasets import DatasetPort
from tests.contract import dataset_cases


class HeldBucket:
    """A bucket, and what is put into it."""

    def __init__(self, datasets: DatasetPort, name: BucketName) -> None:
        self._datasets = datasets
        self.name = name

    def put(self, name: str, content: bytes) -> str:
        """Put an object there; how a load calls it."""
        dataset_cases.put(self._datasets, self.name, name, content, size=len(content))
        return f"{self.name}/{name}"
