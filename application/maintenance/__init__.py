"""Looking after the lake's files."""
