"""Where a lake lies, and what the engine may use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LakeConfig:
    """Where a lake lies, and what the engine may use.

    Attributes:
        catalog_file: The DuckDB file that holds the catalog.
        data_path: The directory that holds the Parquet files.
        temp_directory: Where queries that outgrow memory spill to.
        memory_limit: The engine's memory, as DuckDB reads it ("4GB"); None for its default.
        threads: The engine's threads; None for one a core.
    """

    catalog_file: Path
    data_path: Path
    temp_directory: Path
    memory_limit: str | None = None
    threads: int | None = None
