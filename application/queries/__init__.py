"""Use cases on queries."""
