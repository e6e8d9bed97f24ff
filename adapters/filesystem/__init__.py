"""Datasets on a local directory: a bucket is a directory, an object is a file."""
