from __future__ import annotations

import pytest

from adapters.openlineage.identity import Lake
from adapters.openlineage.names import dataset_id, job_name, table_location, warehouse_uri
from domain.lineage import Operation, Subject
from tests.unit.adapters.openlineage.samples import BUCKET, ORDERS, PHOTO, SUBJECTS

SERVED = Lake("ducklake://catalog.example.org:5432/lake", "wh", "s3://lake-data/prod/v1/")


@pytest.mark.parametrize(
    "subject, expected",
    [
        (ORDERS, ("ducklake://embedded", "lake.main.Orders")),
        (PHOTO, ("s3://landing.zone", "photos/großes Bild.jpg")),
        (BUCKET, ("s3://landing.zone", "/")),
    ],
)
def test_datasets(subject: Subject, expected: tuple[str, str]) -> None:
    assert dataset_id(subject, Lake()) == expected


def test_a_table_of_another_lake() -> None:
    assert dataset_id(ORDERS, SERVED) == (
        "ducklake://catalog.example.org:5432/lake",
        "wh.main.Orders",
    )


@pytest.mark.parametrize(
    "location, folder, uri",
    [
        (None, None, None),
        ("s3://b", ("s3://b", "main/Orders"), "s3://b"),
        ("s3://b/", ("s3://b", "main/Orders"), "s3://b/"),
        ("s3://b/p/q/", ("s3://b", "p/q/main/Orders"), "s3://b/p/q/"),
        ("/home/me/my lake/data", ("file", "/home/me/my lake/data/main/Orders"), None),
    ],
)
def test_where_a_table_lies(
    location: str | None, folder: tuple[str, str] | None, uri: str | None
) -> None:
    lake = Lake(data_location=location)
    assert table_location(ORDERS, lake) == folder
    assert warehouse_uri(lake) == (uri or (location and "file:///home/me/my%20lake/data"))


@pytest.mark.parametrize(
    "operation, subject, expected",
    [
        (Operation.TABLE_APPEND, ORDERS, "table.append.lake.main.Orders"),
        (Operation.TABLE_LIST, None, "table.list.lake"),
        (Operation.QUERY, ORDERS, "query.lake.main.Orders"),
        (Operation.QUERY, None, "query.lake"),
        (Operation.OBJECT_UPLOAD, PHOTO, "object.upload.landing.zone"),
        (Operation.OBJECT_LIST, BUCKET, "object.list.landing.zone"),
        (Operation.BUCKET_CREATE, BUCKET, "bucket.create.landing.zone"),
        (Operation.BUCKET_LIST, None, "bucket.list"),
    ],
)
def test_jobs(operation: Operation, subject: Subject | None, expected: str) -> None:
    assert job_name(operation, subject, Lake()) == expected


@pytest.mark.parametrize("subject", SUBJECTS)
def test_each_operation_is_a_job_of_its_own(subject: Subject | None) -> None:
    names = {job_name(operation, subject, Lake()) for operation in Operation}
    assert len(names) == len(Operation)
