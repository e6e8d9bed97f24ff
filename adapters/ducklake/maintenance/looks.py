"""Looking at one file that the catalog names."""

from __future__ import annotations

import struct

from adapters.ducklake.maintenance.inventory import Finding, NamedFile
from domain.maintenance import Damage
from domain.ports.lake_files import LakeFilePort

_PARQUET = "parquet"
# The footer's length, and the magic of a file or of one with an encrypted footer (Parquet,
# "File Format").
_TAIL = struct.Struct("<I4s")
_MAGIC = frozenset({b"PAR1", b"PARE"})
_LEAST_BYTES = _TAIL.size + 4


def look_at(file: NamedFile, files: LakeFilePort) -> Finding | None:
    """What is wrong with a file; None when nothing is.

    Raises: what `LakeFilePort` raises.
    """
    found = file.found_bytes
    if found != file.size_bytes:
        # It may have been written, or cleaned up, since the files were listed.
        found = files.size_of(file.name)
    if found is None:
        return Finding(file.number, Damage.MISSING, None)
    if found != file.size_bytes:
        return Finding(file.number, Damage.WRONG_SIZE, found)
    if file.format == _PARQUET and not _is_parquet(file, files):
        return Finding(file.number, Damage.NOT_PARQUET, found)
    return None


def _is_parquet(file: NamedFile, files: LakeFilePort) -> bool:
    end = files.read_end(file.name, _TAIL.size)
    if len(end) < _TAIL.size:
        return False
    footer, magic = _TAIL.unpack(end)
    return (
        magic in _MAGIC
        and footer + _LEAST_BYTES <= file.size_bytes
        and file.footer_bytes in {None, footer}
    )
