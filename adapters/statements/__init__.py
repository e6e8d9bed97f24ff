"""Statements and their results in an object store."""
