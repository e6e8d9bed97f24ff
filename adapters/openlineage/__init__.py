"""Lineage by OpenLineage: official events and facets, sent by the official client."""
