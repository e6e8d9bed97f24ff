"""Objects that the gate's tests attack with."""

from __future__ import annotations

import gzip
import io
import struct
from functools import cache

import pyarrow as pa
import pyarrow.parquet as pq

from domain.datasets import BucketName
from domain.ports.datasets import DatasetPort
from tests.contract.dataset_cases import put

BUCKET = BucketName("gate")


def put_objects(datasets: DatasetPort) -> None:
    """Make the bucket and what is in it."""
    datasets.create_bucket(BUCKET)
    for name, content in _objects().items():
        put(datasets, BUCKET, name, content)


@cache
def _objects() -> dict[str, bytes]:
    parquet = io.BytesIO()
    pq.write_table(pa.table({"id": [1, 2], "label": ["x", "y"]}), parquet)
    return {
        "o.csv": b"id,label\n1,x\n2,y\n",
        "o.parquet": parquet.getvalue(),
        "o.json": b'[{"id": 1, "label": "x"}]',
        "deep.json": b"[" * 50_000 + b"]" * 50_000,
        "deep.parquet": deep_parquet(40_000),
        "page.parquet": b"<html><body>Not found</body></html>",
        "short.csv.gz": gzip.compress(b"id,label\n" + b"1,x\n" * 10_000)[:-20],
        "bomb.csv.gz": gzip.compress(b"1\n" * (150 * 1024**2)),
        "wide.csv": b"," * 100_000 + b"\n",
        "nothing.csv": b"",
    }


def deep_parquet(depth: int) -> bytes:
    """A Parquet file whose one column is nested so deep, in Thrift's compact protocol."""
    group = bytes([0x35, 2, 0x18, 1]) + b"a" + bytes([0x15, 2, 0])
    leaf = bytes([0x15, 2, 0x25, 2, 0x18, 1]) + b"a" + b"\0"
    count, length = depth + 1, bytearray()
    while count > 127:
        length.append(count & 127 | 128)
        count >>= 7
    schema = bytes([0xFC]) + bytes([*length, count]) + group * depth + leaf
    footer = bytes([0x15, 2, 0x19]) + schema + b"\x16\0\x19\x0c\0"
    return b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1"
