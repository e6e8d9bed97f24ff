"""Rows that the engine makes itself: of objects, and of queries."""
