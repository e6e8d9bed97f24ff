"""The composition root: the one place that names adapters."""

from entrypoints.container.container import Container, build_container
from entrypoints.container.lifecycle import (
    archive_keys,
    close_container,
    import_libraries,
    open_stores,
)

__all__ = [
    "Container",
    "archive_keys",
    "build_container",
    "close_container",
    "import_libraries",
    "open_stores",
]
