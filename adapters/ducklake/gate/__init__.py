"""What statements may do, found out with the engine's own parser."""
