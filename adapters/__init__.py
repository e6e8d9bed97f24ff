"""Adapters: each implements ports of the domain with one technology."""
