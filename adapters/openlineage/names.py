"""The names by which OpenLineage's consumers know jobs and datasets.

Objects and buckets are named as OpenLineage names S3
(https://openlineage.io/docs/spec/naming). It has no naming for DuckLake: a table is named in
the same manner, by the lake and then `{catalog}.{namespace}.{table}`.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from adapters.openlineage.identity import Lake
from domain.datasets import BucketName, ObjectRef
from domain.lineage import Operation, Subject
from domain.tables import TableName

_ABOUT_TABLES = frozenset(
    {
        Operation.TABLE_CREATE,
        Operation.TABLE_LIST,
        Operation.TABLE_DESCRIBE,
        Operation.TABLE_APPEND,
        Operation.TABLE_DROP,
        Operation.TABLE_LOAD,
        Operation.TABLE_EXPORT,
        Operation.QUERY,
    }
)


class DatasetId(NamedTuple):
    """A dataset's name and the namespace in which it is unique."""

    namespace: str
    name: str


def dataset_id(subject: Subject, lake: Lake) -> DatasetId:
    """The dataset that a subject is. A bucket is its own root, `/`."""
    match subject:
        case TableName():
            return DatasetId(lake.namespace, _table(subject, lake))
        case ObjectRef():
            return DatasetId(_bucket(subject.bucket), str(subject.name))
        case BucketName():
            return DatasetId(_bucket(subject), "/")


def table_location(table: TableName, lake: Lake) -> DatasetId | None:
    """The folder of a table's files as a dataset; None when the lake does not tell."""
    if lake.data_location is None:
        return None
    folder = f"{table.namespace}/{table.name}"
    scheme, mark, rest = lake.data_location.rstrip("/").partition("://")
    if not mark:
        return DatasetId("file", f"{scheme}/{folder}")
    authority, _, prefix = rest.partition("/")
    return DatasetId(f"{scheme}://{authority}", f"{prefix}/{folder}" if prefix else folder)


def warehouse_uri(lake: Lake) -> str | None:
    """The lake's data location as a URI."""
    if lake.data_location is None or "://" in lake.data_location:
        return lake.data_location
    return Path(lake.data_location).as_uri()


def job_name(operation: Operation, subject: Subject | None, lake: Lake) -> str:
    """The name of the job that does this: the same for every run of it.

    All objects of a bucket share their jobs, since a job for each object would drown every
    other one in a consumer's list.
    """
    match subject:
        case TableName():
            return f"{operation}.{_table(subject, lake)}"
        case ObjectRef():
            return f"{operation}.{subject.bucket}"
        case BucketName():
            return f"{operation}.{subject}"
        case None:
            return f"{operation}.{lake.catalog}" if operation in _ABOUT_TABLES else str(operation)


def _table(table: TableName, lake: Lake) -> str:
    return f"{lake.catalog}.{table}"


def _bucket(bucket: BucketName) -> str:
    return f"s3://{bucket}"
