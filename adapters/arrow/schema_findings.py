"""What record batches show of the columns that a table lacks, or has too narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from adapters.arrow.arrow_types import column_type_of
from adapters.arrow.evidence import Evidence
from adapters.arrow.record_batches import field_names
from domain.value_kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.arrow.findings import Findings


class BatchLearner:
    """Learns from the batches of one schema: the types of new columns, the values of others.

    It stands where a `BatchConverter` does, and gives no rows.

    Raises:
        InvalidColumnError: When a new column has a type that no table has.
    """

    def __init__(self, schema: pa.Schema, findings: Findings) -> None:
        self.next_row = 1
        self._narrow: list[tuple[int, Evidence]] = []
        for index, (name, field) in enumerate(zip(field_names(schema), schema, strict=True)):
            evidence = findings.of(name)
            if evidence is None:
                continue
            if findings.is_new(name):
                evidence.declared = evidence.declared or column_type_of(field.type)
            else:
                self._narrow.append((index, evidence))

    def convert(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Learn a batch."""
        self.next_row += batch.num_rows
        try:
            batch.validate()
        except pa.ArrowInvalid:
            return  # the reading that follows says what is wrong
        for index, evidence in self._narrow:
            _learn(batch.column(index), evidence)
        yield from ()


def _learn(array: pa.Array, evidence: Evidence) -> None:
    numbers = evidence.numbers
    if pa.types.is_integer(array.type):
        bounds = pc.min_max(array).as_py()
        values = [str(bound) for bound in bounds.values() if bound is not None]
        for text in values:
            evidence.kinds.add(Kind.INTEGER)
            numbers.add(text, whole=True)
    elif pa.types.is_float64(array.type):
        evidence.kinds.add(Kind.FRACTION)
        back = array.cast(pa.float32()).cast(pa.float64())
        lost = pc.and_(pc.not_equal(back, array), pc.invert(pc.is_nan(array)))
        if pc.any(lost).as_py():
            # No single-precision number is this one, as none is of those that are too large.
            numbers.largest = float("inf")
    elif pa.types.is_decimal(array.type):
        for value in pc.unique(array.drop_null()).to_pylist():
            evidence.kinds.add(Kind.FRACTION)
            numbers.add(f"{value.normalize():f}", whole=False)
    elif not pa.types.is_null(array.type):
        evidence.kinds.add(Kind.OTHER)
