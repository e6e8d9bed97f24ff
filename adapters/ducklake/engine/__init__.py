"""The DuckDB instance that the lake is attached to."""
