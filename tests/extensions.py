"""Where DuckDB's extensions are, for tests that use DuckDB without the service's code."""

from importlib.resources import files
from pathlib import Path

import duckdb


def extension_file(name: str) -> Path:
    """Find an extension in its wheel: nothing is downloaded."""
    folder = Path(str(files(f"duckdb_extension_{name}"))) / "extensions"
    return folder / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
