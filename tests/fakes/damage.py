"""Damaged files, for tests of how they are told."""

from __future__ import annotations

from domain.maintenance import Damage, DamagedFile, FileKind
from domain.tables import TableName

SHORT_FILE = DamagedFile(
    table=TableName("main", "flights"),
    name="main/flights/ducklake-1.parquet",
    kind=FileKind.DATA,
    damage=Damage.WRONG_SIZE,
    size_bytes=828,
    found_bytes=100,
    rows=50,
    first_snapshot=2,
    last_snapshot=None,
)
LOST_DELETE_FILE = DamagedFile(
    table=TableName("main", "flights"),
    name="main/flights/ducklake-2-delete.parquet",
    kind=FileKind.DELETE,
    damage=Damage.MISSING,
    size_bytes=400,
    found_bytes=None,
    rows=7,
    first_snapshot=3,
    last_snapshot=None,
)
