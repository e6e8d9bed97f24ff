from __future__ import annotations

from pathlib import Path

import pytest

from adapters.filesystem.datasets import FilesystemDatasets
from domain.datasets import BucketName

BUCKET = BucketName("bucket")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data" / "datasets"


@pytest.fixture
def datasets(root: Path) -> FilesystemDatasets:
    """The datasets of the root, with one bucket."""
    made = FilesystemDatasets(root)
    made.create_bucket(BUCKET)
    return made
