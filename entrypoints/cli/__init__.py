"""The `ducklake` command."""
