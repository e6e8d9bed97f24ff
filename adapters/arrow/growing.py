"""Looks through a body for what a table must grow by."""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec
import pyarrow.compute as pc

from adapters.arrow.arrow_body import read_arrow
from adapters.arrow.csv_texts import CsvBody
from adapters.arrow.evidence import Evidence
from adapters.arrow.findings import Findings, Found
from adapters.arrow.json_exact import rows_of_array, rows_of_lines
from adapters.arrow.json_split import split_array, split_lines
from adapters.arrow.parquet_body import read_parquet
from adapters.arrow.problems import Problems
from adapters.arrow.schema_findings import BatchLearner
from domain.formats import DataFormat
from domain.json_depth import check_depth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from adapters.arrow.limits import Limits
    from domain.bodies import BodyFormat
    from domain.column_types import ColumnType
    from domain.tables import Column

_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_declared: Callable[[Evidence], ColumnType | None] = attrgetter("declared")


def find_growth(
    chunks: Iterator[bytes],
    body_format: BodyFormat,
    columns: Sequence[Column],
    directory: Path,
    limits: Limits,
) -> Found:
    """Look through a body for what a table must grow by.

    What is wrong with a row is left to the reading that follows.

    Raises:
        InvalidColumnError: When a column would have a type that no table has.
        MalformedBodyError, TooLargeError, StorageFullError: As `RowReaderPort.read`.
    """
    findings = Findings(columns, limits)
    match body_format.data_format:
        case DataFormat.JSON:
            parts = (rows_of_array(part) for part in split_array(chunks, limits))
            _learn_objects(parts, findings, limits)
            return findings.found(Evidence.json_type)
        case DataFormat.NDJSON:
            parts = (rows_of_lines(part) for part in split_lines(chunks, limits))
            _learn_objects(parts, findings, limits)
            return findings.found(Evidence.json_type)
        case DataFormat.CSV:
            body = CsvBody(chunks, body_format.csv, limits)
            _learn_records(body, [column.name for column in columns], findings)
            return findings.found(Evidence.field_type)
        case DataFormat.PARQUET | DataFormat.ARROW as data_format:
            read = read_parquet if data_format is DataFormat.PARQUET else read_arrow
            for _ in read(chunks, partial(BatchLearner, findings=findings), directory, limits):
                pass  # a learner gives no rows
            return findings.found(_declared)


def _learn_objects(parts: Iterable[list[bytes]], findings: Findings, limits: Limits) -> None:
    for rows in parts:
        values: dict[str, set[bytes]] = {}
        for row in rows:
            # The row is one level itself, and its values may have as many as allowed.
            check_depth(row, limits.depth + 1)
            try:
                members = _decode_members(row)
            except msgspec.DecodeError:
                continue
            for name, raw in members.items():
                if findings.of(name) is not None:
                    values.setdefault(name, set()).add(bytes(raw))
        for name, seen in values.items():
            evidence = findings.of(name)
            if evidence is not None:
                evidence.add_json(seen)


def _learn_records(body: CsvBody, columns: Sequence[str], findings: Findings) -> None:
    names = body.header if body.header is not None else columns
    learnt = [findings.of(name) for name in names]
    for part in body.parts:
        texts = body.texts(part, len(names), Problems(1))
        for evidence, text in zip(learnt, texts, strict=True):
            if evidence is not None:
                evidence.add_fields(pc.unique(text.drop_null()).to_pylist())
