"""What is written, and the one writer that commits it."""
