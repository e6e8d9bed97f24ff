"""What the lake's catalog says."""
