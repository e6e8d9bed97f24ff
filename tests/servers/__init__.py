"""Real servers for the tests: MinIO, SeaweedFS and PostgreSQL.

Each comes from an endpoint named in the environment, else from a container where Docker answers,
else as a local server on loopback. Nothing is skipped: a server that cannot be had raises
ServerUnavailable, which names the remedy.
"""
