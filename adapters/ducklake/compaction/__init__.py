"""Merging small files in the background."""
