"""Use cases on buckets and objects."""
