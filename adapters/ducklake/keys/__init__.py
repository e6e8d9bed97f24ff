"""Writes under a key are done once."""
