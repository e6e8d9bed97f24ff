"""A lake in one directory, as the embedded service has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters.ducklake import FileCatalog, LakeConfig, LocalStorage
from domain.ports.datasets import DatasetPort


def local_lake(home: Path, datasets: DatasetPort | None = None, **more: Any) -> LakeConfig:
    """Where such a lake lies.

    Args:
        home: The directory.
        datasets: Whose objects its statements may read; None for none.
        more: More settings.
    """
    return LakeConfig(
        catalog=FileCatalog(home / "catalog.ducklake"),
        storage=LocalStorage(home / "data"),
        temp_directory=home / "temp",
        readable=() if datasets is None else tuple(datasets.location_roots),
        **more,
    )
