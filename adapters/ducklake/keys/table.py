"""The service's table of used keys in the lake, and the keys that snapshots say of themselves.

A commit's own snapshot tells its keys (see `key_entries`), which costs it nothing, while writing
a second table would double its time. Snapshots are expired some day, so all keys are written to
the table too, many at once and a little later. The table holds all keys of the
snapshots up to the greatest `snapshot` in it; a key may stand in it more than once.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from adapters.ducklake.engine.sql import LAKE, METADATA, literal
from adapters.ducklake.keys.entries import KeyEntry, from_extra_info
from adapters.ducklake.keys.index import HASH_SQL
from domain.idempotency import IdempotencyKey
from domain.tables import SERVICE_NAMESPACE

TABLE = "idempotency_keys"
INLINED_ROWS = 1_000
"""A few keys stay in the catalog, so that they make no file each minute."""

_NAME = f"{LAKE}.{SERVICE_NAMESPACE}.{TABLE}"
_COMMENT = "Writes that were done under an idempotency key, and what came of each"
_FETCH_ROWS = 10_000
_INCOMING = "incoming_keys"


@dataclass(frozen=True, slots=True)
class Told:
    """What snapshots tell of keys.

    Attributes:
        entries: The keys.
        after: The snapshots behind this one were asked.
        snapshots: Those that are there; what was expired can tell nothing.
    """

    entries: Sequence[KeyEntry]
    after: int
    snapshots: frozenset[int]

    @property
    def last(self) -> int:
        """The newest snapshot."""
        return max(self.snapshots, default=self.after)

    @property
    def whole(self) -> bool:
        """Whether no snapshot between is missing, as one that was expired is."""
        return self.last - self.after == len(self.snapshots)


def is_there(cursor: duckdb.DuckDBPyConnection) -> bool:
    """Whether the lake has the table."""
    row = cursor.execute(
        f"SELECT count(*) FROM {METADATA}.ducklake_table t "
        f"JOIN {METADATA}.ducklake_schema s USING (schema_id) "
        f"WHERE s.schema_name = '{SERVICE_NAMESPACE}' AND t.table_name = '{TABLE}' "
        "AND s.end_snapshot IS NULL AND t.end_snapshot IS NULL"
    ).fetchone()
    return row is not None and row[0] > 0


def told_by_snapshots(
    cursor: duckdb.DuckDBPyConnection, after: int, since: datetime | None = None
) -> Told:
    """The keys of the snapshots behind `after`, and not older than `since`."""
    rows = cursor.execute(
        f"SELECT s.snapshot_id, s.snapshot_time, c.commit_extra_info "
        f"FROM {METADATA}.ducklake_snapshot s "
        f"LEFT JOIN {METADATA}.ducklake_snapshot_changes c USING (snapshot_id) "
        "WHERE s.snapshot_id > $after AND s.snapshot_time >= $since ORDER BY s.snapshot_id",
        {"after": after, "since": since or datetime.fromtimestamp(0, UTC)},
    ).fetchall()
    return Told(
        entries=[
            entry
            for snapshot_id, committed_at, said in rows
            if said
            for entry in from_extra_info(said, snapshot_id, committed_at.astimezone(UTC))
        ],
        after=after,
        snapshots=frozenset(snapshot_id for snapshot_id, _, _ in rows),
    )


def newest_snapshot(cursor: duckdb.DuckDBPyConnection) -> int:
    """The newest snapshot that the cursor's transaction can be told of."""
    row = cursor.execute(f"SELECT max(snapshot_id) FROM {METADATA}.ducklake_snapshot").fetchone()
    return 0 if row is None or row[0] is None else int(row[0])


def archived_up_to(cursor: duckdb.DuckDBPyConnection) -> int:
    """The snapshot up to which all keys are in the table; 0 when it is not there."""
    if not is_there(cursor):
        return 0
    row = cursor.execute(f"SELECT coalesce(max(snapshot), 0) FROM {_NAME}").fetchone()
    return 0 if row is None else int(row[0])


def hashes(cursor: duckdb.DuckDBPyConnection, since: datetime) -> Iterator[list[tuple[int, int]]]:
    """The hashes of the table's keys that were used since then, each with its second."""
    result = cursor.execute(
        f"SELECT CASE WHEN hash >= {2**63} THEN (hash - {2**64}::HUGEINT)::BIGINT "
        "ELSE hash::BIGINT END, second FROM ("
        f"SELECT {HASH_SQL}::HUGEINT AS hash, max(epoch(written_at))::BIGINT AS second "
        f"FROM {_NAME} WHERE written_at >= $since GROUP BY 1) ORDER BY 1",
        {"since": since},
    )
    while rows := result.fetchmany(_FETCH_ROWS):
        yield rows


def find(
    cursor: duckdb.DuckDBPyConnection, key: IdempotencyKey, since: datetime
) -> KeyEntry | None:
    """A key in the table that was used since then."""
    if not is_there(cursor):
        return None
    row = cursor.execute(
        f"SELECT digest, run_id, answer, written_at, snapshot FROM {_NAME} "
        "WHERE key = $key AND scope = $scope AND written_at >= $since "
        "ORDER BY written_at DESC LIMIT 1",
        {"key": key.value, "scope": key.scope, "since": since},
    ).fetchone()
    if row is None:
        return None
    digest, run_id, answer, written_at, snapshot_id = row
    return KeyEntry(
        key, digest, run_id, json.loads(answer), written_at.astimezone(UTC), snapshot_id
    )


def store(cursor: duckdb.DuckDBPyConnection, entries: Collection[KeyEntry]) -> None:
    """Write keys to the table in the cursor's transaction, and make it when it is not there."""
    import pyarrow as pa  # noqa: PLC0415 - it costs a tenth of a second of the service's start

    if not is_there(cursor):
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {LAKE}.{SERVICE_NAMESPACE}")
        cursor.execute(
            f"CREATE TABLE {_NAME} (scope VARCHAR, key VARCHAR, digest VARCHAR, run_id VARCHAR, "
            "answer VARCHAR, snapshot BIGINT, written_at TIMESTAMP WITH TIME ZONE)"
        )
        cursor.execute(f"COMMENT ON TABLE {_NAME} IS {literal(_COMMENT)}")
    rows = pa.table(
        {
            "scope": pa.array([entry.key.scope for entry in entries], pa.string()),
            "key": pa.array([entry.key.value for entry in entries], pa.string()),
            "digest": pa.array([entry.digest for entry in entries], pa.string()),
            "run_id": pa.array([entry.run_id for entry in entries], pa.string()),
            "answer": pa.array([_text(entry) for entry in entries], pa.string()),
            "snapshot": pa.array([entry.snapshot_id for entry in entries], pa.int64()),
            "written_at": pa.array(
                [entry.written_at for entry in entries], pa.timestamp("us", "UTC")
            ),
        }
    )
    cursor.register(_INCOMING, rows)
    try:
        cursor.execute(f"INSERT INTO {_NAME} SELECT * FROM {_INCOMING}")
    finally:
        cursor.unregister(_INCOMING)


def keep_few_in_catalog(cursor: duckdb.DuckDBPyConnection) -> None:
    """Let the catalog hold small inserts; it cannot be said as the table is made."""
    cursor.execute(
        f"CALL {LAKE}.set_option('data_inlining_row_limit', {INLINED_ROWS}, "
        f"schema => {literal(SERVICE_NAMESPACE)}, table_name => {literal(TABLE)})"
    )


def delete_before(cursor: duckdb.DuckDBPyConnection, moment: datetime) -> int:
    """Delete the keys that were used before a moment; how many they were."""
    row = cursor.execute(f"DELETE FROM {_NAME} WHERE written_at < $moment", {"moment": moment})
    deleted = row.fetchone()
    return 0 if deleted is None else int(deleted[0])


def _text(entry: KeyEntry) -> str:
    return json.dumps(entry.answer, separators=(",", ":"))
