"""Facts to make events of."""

from __future__ import annotations

from datetime import UTC, datetime

from adapters.openlineage.identity import Producer
from domain.column_types import parse_column_type
from domain.datasets import BucketName, ObjectName, ObjectRef
from domain.lineage import Lifecycle, Operation, RunEvent, RunState, Usage, new_run_id
from domain.tables import Column, TableName

PRODUCER = Producer("https://example.org/ducklake-backend", "0.1.0", "1.5.5")
ORDERS = TableName("main", "Orders")
BUCKET = BucketName("landing.zone")
PHOTO = ObjectRef(BUCKET, ObjectName("photos/großes Bild.jpg"))
TIME = datetime(2025, 3, 4, 5, 6, 7, 80, tzinfo=UTC)
COLUMNS = tuple(
    Column(name, parse_column_type(text), comment=comment)
    for name, text, comment in (
        ("id", "BIGINT", "The order's number."),
        ("amount", "DECIMAL(9,2)", None),
        ("lines", "STRUCT(sku VARCHAR, tags MAP(VARCHAR, INTEGER[]))[]", None),
    )
)
TABLE_USAGE = Usage(ORDERS, "7", COLUMNS, 3, 100, Lifecycle.CREATE)
OBJECT_USAGE = Usage(PHOTO, "9bb58f26192e4ba00f01e2e7b136bbd8", None, None, 512, Lifecycle.DROP)
BUCKET_USAGE = Usage(BUCKET, lifecycle=Lifecycle.OVERWRITE)
SUBJECTS = (ORDERS, PHOTO, BUCKET, None)


def an_event(
    operation: Operation = Operation.TABLE_APPEND, state: RunState = RunState.START
) -> RunEvent:
    """An event with nothing but what it must have."""
    return RunEvent(new_run_id(), operation, ORDERS, state, TIME)


def a_full_event(operation: Operation, state: RunState) -> RunEvent:
    """An event with everything that one can have."""
    usages = (TABLE_USAGE, OBJECT_USAGE, BUCKET_USAGE, Usage(ORDERS), Usage(PHOTO))
    return RunEvent(
        new_run_id(),
        operation,
        ORDERS,
        state,
        TIME,
        inputs=usages,
        outputs=usages,
        sql="SELECT 1",
        error="It failed." if state is RunState.FAIL else None,
    )
