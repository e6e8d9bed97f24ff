"""The contract of `MaintenancePort`: what is lost is found, and the rest can be read again."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest

from domain.errors import LakehouseError
from domain.maintenance import CheckReport, Damage, DamagedFile, FileKind, no_progress
from domain.ports.tables import TablePort
from domain.tables import TableName
from tests.contract.lake_storage import LakeStorage
from tests.contract.lakes import OpenedLake, on_lakes_that_run_sql
from tests.contract.table_cases import append, create, some_rows, write

FILE_ROWS = 1_200
"""More rows than any lake keeps in its catalog."""
ANY_AGE = timedelta(hours=-1)
"""No grace; what stores a file may have another clock."""
RUN = str(uuid.UUID(int=7))


def look(lake: OpenedLake) -> CheckReport:
    return lake.maintenance.check(no_progress)


def under_way(lake: OpenedLake, name: TableName) -> AbstractContextManager[None]:
    assert lake.commit_under_way is not None
    return lake.commit_under_way(name, FILE_ROWS)


def of_table(report: CheckReport, name: TableName) -> list[DamagedFile]:
    """What is damaged of a table; the lake holds those of other tests too."""
    return [file for file in report.damaged if file.table == name]


def storage_of(lake: OpenedLake) -> LakeStorage:
    assert lake.storage is not None
    return lake.storage


def files_of(lake: OpenedLake, name: TableName) -> list[str]:
    """The table's files in the order in which they were written: their names begin with time."""
    files = storage_of(lake).port.list_files()
    return sorted(file.name for file in files if f"/{name.namespace}/" in f"/{file.name}")


def count(lake: OpenedLake, name: TableName) -> int:
    return lake.tables.describe(name).row_count


def ids(lake: OpenedLake, name: TableName) -> set[int]:
    """Every row, read by a client of the lake that knows nothing of this service."""
    rows: list[tuple[Any, ...]] = lake.read_as_another_client(
        f'SELECT id FROM lake."{name.namespace}"."{name.name}"'
    )
    return {row[0] for row in rows}


def test_a_sound_lake_is_ok(lake: OpenedLake, tables: TablePort, name: TableName) -> None:
    create(tables, name)
    append(tables, name, some_rows(FILE_ROWS))
    append(tables, name, some_rows(1))
    told: list[tuple[int, int | None]] = []
    report = lake.maintenance.check(lambda done, total: told.append((done, total)), RUN)
    assert of_table(report, name) == []
    assert report.readable
    assert report.repair is None
    assert told[-1] == (report.files_checked, report.files_checked)


@on_lakes_that_run_sql
@pytest.mark.parametrize("damage", list(Damage))
def test_a_damaged_file_is_found_and_taken_out(
    lake: OpenedLake, tables: TablePort, name: TableName, damage: Damage
) -> None:
    create(tables, name)
    first = append(tables, name, some_rows(FILE_ROWS)).snapshot_id
    append(tables, name, some_rows(FILE_ROWS, FILE_ROWS))
    append(tables, name, some_rows(1, 2 * FILE_ROWS))
    victim, sound = files_of(lake, name)
    storage = storage_of(lake)
    content = storage.read(victim)
    if damage is Damage.MISSING:
        storage.remove(victim)
    elif damage is Damage.WRONG_SIZE:
        storage.write(victim, content[:100])
    else:
        storage.write(victim, bytes(len(content)))
    with pytest.raises(LakehouseError):
        ids(lake, name)

    report = look(lake)
    (found,) = of_table(report, name)
    assert (found.name, found.kind, found.damage) == (victim, FileKind.DATA, damage)
    assert found.size_bytes == len(content)
    assert found.rows == FILE_ROWS
    assert (found.first_snapshot, found.last_snapshot, found.current) == (first, None, True)
    assert not report.readable
    assert report.repair is None

    repaired = lake.maintenance.check(no_progress, RUN)
    assert repaired.readable
    assert repaired.repair is not None
    assert repaired.repair.tables == (name,)
    assert repaired.repair.rows_lost == FILE_ROWS
    assert ids(lake, name) == set(range(FILE_ROWS, 2 * FILE_ROWS + 1))
    description = tables.describe(name)
    assert description.row_count == FILE_ROWS + 1
    assert description.snapshot_id == repaired.repair.snapshot_id
    assert (lake.writes()[-1].operation, lake.writes()[-1].run_id) == ("repair", RUN)

    after = look(lake)
    (past,) = of_table(after, name)
    assert (past.name, past.last_snapshot) == (victim, repaired.repair.snapshot_id - 1)
    assert after.readable

    # The lake goes on: writes, the clean-up of all others, and the past that was sound.
    append(tables, name, some_rows(FILE_ROWS, 3 * FILE_ROWS))
    lake.as_another_client("CALL ducklake_merge_adjacent_files('lake')")
    lake.as_another_client("CALL ducklake_flush_inlined_data('lake')")
    assert count(lake, name) == 2 * FILE_ROWS + 1
    assert sound in {file.name for file in storage.port.list_files()}


@on_lakes_that_run_sql
def test_a_lost_delete_file_brings_rows_back(
    lake: OpenedLake, tables: TablePort, name: TableName
) -> None:
    create(tables, name)
    append(tables, name, some_rows(FILE_ROWS))
    table = f'lake."{name.namespace}"."{name.name}"'
    lake.as_another_client(f"DELETE FROM {table} WHERE id < 1100")
    (victim,) = [file for file in files_of(lake, name) if "delete" in file]
    storage_of(lake).remove(victim)
    (found,) = of_table(look(lake), name)
    assert (found.kind, found.damage, found.rows) == (FileKind.DELETE, Damage.MISSING, 1100)
    repair = lake.maintenance.check(no_progress, RUN).repair
    assert repair is not None
    assert (repair.data_files, repair.delete_files) == (0, 1)
    assert (repair.rows_lost, repair.rows_back) == (0, 1100)
    assert ids(lake, name) == set(range(FILE_ROWS))


@on_lakes_that_run_sql
def test_a_lost_file_takes_its_delete_file_along(
    lake: OpenedLake, tables: TablePort, name: TableName
) -> None:
    create(tables, name)
    append(tables, name, some_rows(FILE_ROWS))
    append(tables, name, some_rows(FILE_ROWS, FILE_ROWS))
    table = f'lake."{name.namespace}"."{name.name}"'
    # Few rows are deleted in the catalog, many by a file.
    lake.as_another_client(f"DELETE FROM {table} WHERE id < 1100")
    lake.as_another_client(f"DELETE FROM {table} WHERE id = 1150")
    data, *_ = [file for file in files_of(lake, name) if "delete" not in file]
    storage_of(lake).remove(data)
    repair = lake.maintenance.check(no_progress, RUN).repair
    assert repair is not None
    assert (repair.data_files, repair.delete_files, repair.rows_back) == (1, 0, 0)
    assert FILE_ROWS - 1101 <= repair.rows_lost <= FILE_ROWS - 1100
    assert ids(lake, name) == set(range(FILE_ROWS, 2 * FILE_ROWS))
    lake.as_another_client("CALL ducklake_flush_inlined_data('lake')")
    lake.as_another_client(f"DELETE FROM {table} WHERE id < {FILE_ROWS + 1100}")
    lake.as_another_client(
        f"CALL ducklake_rewrite_data_files('lake', 't', schema => '{name.namespace}')"
    )
    assert ids(lake, name) == set(range(FILE_ROWS + 1100, 2 * FILE_ROWS))


@on_lakes_that_run_sql
def test_damage_of_the_past_needs_no_repair(
    lake: OpenedLake, tables: TablePort, name: TableName
) -> None:
    create(tables, name)
    first = append(tables, name, some_rows(FILE_ROWS)).snapshot_id
    (victim,) = files_of(lake, name)
    tables.drop(name, write(name, "drop"))
    storage_of(lake).remove(victim)
    report = lake.maintenance.check(no_progress, RUN)
    (found,) = of_table(report, name)
    assert (found.first_snapshot, found.current) == (first, False)
    assert report.repair is None


@on_lakes_that_run_sql
def test_orphans_are_counted(lake: OpenedLake, name: TableName) -> None:
    before = look(lake)
    orphan = f"{name.namespace}/t/ducklake-orphan.parquet"
    storage_of(lake).write(orphan, b"12345")
    report = look(lake)
    if lake.shared:
        assert report.recent_files == before.recent_files + 1
        assert report.recent_bytes == before.recent_bytes + 5
    else:
        assert report.orphan_files == before.orphan_files + 1
        assert report.orphan_bytes == before.orphan_bytes + 5
    storage_of(lake).remove(orphan)


@on_lakes_that_run_sql
def test_orphans_are_deleted_that_nobody_can_be_writing(lake: OpenedLake, name: TableName) -> None:
    orphan = f"{name.namespace}/t/ducklake-orphan.parquet"
    storage = storage_of(lake)
    # What was left by others, and is not deleted soon, is none of ours.
    lake.maintenance.delete_orphans(ANY_AGE)
    foreign = f"{name.namespace}/t/readme.txt"
    for file in (orphan, foreign):
        storage.write(file, b"12345")
    assert look(lake).recent_files == (1 if lake.shared else 0)
    assert lake.maintenance.delete_orphans() == (0 if lake.shared else 1)
    if lake.shared:
        report = lake.maintenance.check(no_progress, grace=ANY_AGE)
        assert (report.orphan_files, report.recent_files) == (1, 0)
        assert lake.maintenance.delete_orphans(ANY_AGE) == 1
    assert storage.port.size_of(orphan) is None
    # Whatever it is, DuckLake has not written it.
    assert storage.port.size_of(foreign) == 5
    storage.remove(foreign)


@on_lakes_that_run_sql
def test_a_commit_under_way_leaves_no_orphan(
    lake: OpenedLake, tables: TablePort, name: TableName
) -> None:
    create(tables, name)
    before = look(lake)
    listed = threading.Event()
    with ThreadPoolExecutor(1) as aside:
        with under_way(lake, name):
            assert len(files_of(lake, name)) == 1
            checked = aside.submit(lake.maintenance.check, lambda *_: listed.set())
            assert listed.wait(60)
            if lake.shared:
                assert checked.result(60).recent_files == before.recent_files + 1
        report = checked.result(60)
    assert report.orphan_files == before.orphan_files
    assert of_table(report, name) == []
    assert look(lake).recent_files == before.recent_files


@on_lakes_that_run_sql
def test_a_commit_under_way_keeps_its_files(
    lake: OpenedLake, tables: TablePort, name: TableName
) -> None:
    create(tables, name)
    with ThreadPoolExecutor(1) as aside:
        with under_way(lake, name):
            deleted = aside.submit(lake.maintenance.delete_orphans)
            wait([deleted], timeout=0.3)
            assert deleted.done() <= lake.shared
        deleted.result(60)
    assert ids(lake, name) == set(range(FILE_ROWS))


@on_lakes_that_run_sql
def test_a_repair_waits_for_its_turn_to_commit(
    lake: OpenedLake, tables: TablePort, name: TableName
) -> None:
    create(tables, name)
    append(tables, name, some_rows(FILE_ROWS, FILE_ROWS))
    (victim,) = files_of(lake, name)
    storage_of(lake).remove(victim)
    looked = threading.Event()

    def told(done: int, total: int | None) -> None:
        if done == total:
            looked.set()

    with ThreadPoolExecutor(1) as aside:
        with under_way(lake, name):
            repaired = aside.submit(lake.maintenance.check, told, RUN)
            assert looked.wait(60)
            wait([repaired], timeout=0.3)
            assert not repaired.done()
        repair = repaired.result(60).repair
    assert repair is not None
    assert repair.rows_lost == FILE_ROWS
    assert ids(lake, name) == set(range(FILE_ROWS))


@on_lakes_that_run_sql
def test_checks_beside_writes_find_nothing(
    lake: OpenedLake, tables: TablePort, name: TableName
) -> None:
    create(tables, name)
    before = look(lake)
    stopped = threading.Event()

    def write_on(first: int) -> int:
        count = 0
        while not stopped.is_set():
            append(tables, name, some_rows(FILE_ROWS, first + count))
            count += FILE_ROWS
        return count

    with ThreadPoolExecutor(2) as aside:
        writing = [aside.submit(write_on, first) for first in (0, 10**9)]
        try:
            for _ in range(3):
                report = look(lake)
                assert of_table(report, name) == []
                assert report.orphan_files == before.orphan_files
                lake.maintenance.delete_orphans()
        finally:
            stopped.set()
        written = sum(each.result() for each in writing)
    assert len(ids(lake, name)) == written
