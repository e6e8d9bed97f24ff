"""The domain: what tables, datasets, queries and lineage are, and the ports they need.

Pure: it imports nothing but the standard library.
"""
