"""Reads bodies in JSON, NDJSON, CSV, Parquet and Arrow into rows."""
