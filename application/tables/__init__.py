"""Use cases on tables."""
