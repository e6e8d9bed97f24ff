"""Loading DuckDB's extensions."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import duckdb

from adapters.ducklake.engine.sql import literal
from domain.errors import ConfigurationError


def load_extension(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Load an extension from its wheel; where there is none, from DuckDB's own place.

    Raises:
        ConfigurationError: When it can be had from neither.
    """
    wheel = _file_in_wheel(name)
    try:
        if wheel is not None:
            connection.execute(f"LOAD {literal(str(wheel))}")
        else:
            connection.execute(f"INSTALL {name}")
            connection.execute(f"LOAD {name}")
    except duckdb.Error as error:
        raise ConfigurationError(
            f"DuckDB's extension {name!r} cannot be loaded: install the wheel "
            f"duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}."
        ) from error


def _file_in_wheel(name: str) -> Path | None:
    spec = find_spec(f"duckdb_extension_{name}")
    if spec is None or not spec.submodule_search_locations:
        return None
    root = Path(next(iter(spec.submodule_search_locations)))
    # A binary of another version of DuckDB does not load, so only this one's is looked at.
    file = root / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    return file if file.is_file() else None
