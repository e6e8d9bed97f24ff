"""The part of the standard `OPENLINEAGE_*` environment that the client leaves to its user."""

from __future__ import annotations

import os

DEFAULT_JOB_NAMESPACE = "ducklake"


def is_disabled() -> bool:
    """Whether lineage is switched off: by `true` and nothing else, as the client reads it."""
    return os.environ.get("OPENLINEAGE_DISABLED", "").lower().strip() == "true"


def job_namespace() -> str:
    """The namespace of all jobs."""
    return os.environ.get("OPENLINEAGE_NAMESPACE", "").strip() or DEFAULT_JOB_NAMESPACE
