"""Parquet's INT96 timestamps, which Spark and Hive still write.

They have nanoseconds over a range of years for which Arrow's nanoseconds are too few: beyond
1677-2262 those wrap around in silence, while Arrow's microseconds cut digits in silence. So
they are read both ways: what is left of the nanoseconds, modulo 2**64, is what was cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from domain.errors import RowProblem, RowsDoNotFitError

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_FINER = "an INT96 timestamp has digits behind the microseconds, which would be lost."


def int96_columns(metadata: pq.FileMetaData) -> list[str]:
    """The names of the columns of INT96.

    Raises:
        RowsDoNotFitError: When one is part of a nested column.
    """
    leaves = [metadata.schema.column(index) for index in range(len(metadata.schema))]
    found = [leaf for leaf in leaves if leaf.physical_type == "INT96"]
    for leaf in found:
        if leaf.path != leaf.name:
            message = "INT96 timestamps within nested values are not read; write TIMESTAMP."
            raise RowsDoNotFitError(RowProblem(None, leaf.path.partition(".")[0], message))
    return [leaf.name for leaf in found]


def check_digits(micros: pa.RecordBatch, nanos: pa.RecordBatch, first_row: int) -> None:
    """Check that microseconds have all digits of the same timestamps in nanoseconds.

    Raises:
        RowsDoNotFitError: When a timestamp is finer.
    """
    for name in nanos.schema.names:
        scaled = pc.multiply(micros.column(name).cast(pa.int64()), 1000)
        cut = pc.subtract(nanos.column(name).cast(pa.int64()), scaled)
        index = pc.not_equal(cut, 0).index(True).as_py()
        if index >= 0:
            raise RowsDoNotFitError(RowProblem(first_row + index, name, _FINER))
