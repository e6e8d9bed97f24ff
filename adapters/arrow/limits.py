"""The limits to what one body may hold and cost."""

from __future__ import annotations

from dataclasses import dataclass

from domain.json_depth import MAX_JSON_DEPTH
from domain.tables import MAX_COLUMNS

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """What one body may hold and cost.

    Attributes:
        memory_bytes: Rows beyond this go to a file in the spool directory.
        body_bytes: The greatest body.
        row_bytes: The greatest row, as text in the body and as Arrow values.
        expanded_bytes: A packed body once it is unpacked, and all rows of a body as Arrow
            values; guards against bodies that are small when packed.
        message_bytes: One compressed message of an Arrow stream, unpacked.
        depth: How deep a JSON value may be nested.
        columns: The most columns that a body, or the table that it makes grow, may have.
    """

    memory_bytes: int = 16 * MIB
    body_bytes: int = 16 * GIB
    row_bytes: int = 64 * MIB
    expanded_bytes: int = 16 * GIB
    message_bytes: int = 256 * MIB
    depth: int = MAX_JSON_DEPTH
    columns: int = MAX_COLUMNS


BATCH_BYTES = MIB
"""Bodies are worked on in parts of about this size."""

BATCH_ROWS = 65_536
"""The most rows of one record batch."""

BATCH_CELLS = 2_000_000
"""The most rows times columns that are held as Python values at once."""

MAX_PROBLEMS = 10
"""How many problems of a body are reported."""
