"""`ducklake check`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from application.maintenance.repair import RepairLakeCommand
from domain.maintenance import CheckReport, DamagedFile, Repair
from entrypoints.cli.exit_codes import ExitCode
from entrypoints.cli.help import shows
from entrypoints.cli.options import FormatOfRecord
from entrypoints.cli.output import note, print_record
from entrypoints.cli.progress import counting
from entrypoints.cli.session import session_of
from entrypoints.cli.shown import rows, size

if TYPE_CHECKING:
    from entrypoints.container import Container


@shows("ducklake check", "ducklake check --repair", "ducklake check --delete-orphans")
def check(
    context: typer.Context,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Take damaged files out of the current version, in one new snapshot, so that "
            "the rest of each table can be read. The past stays as it is.",
        ),
    ] = False,
    delete_orphans: Annotated[
        bool,
        typer.Option(
            "--delete-orphans",
            help="Delete files that no snapshot needs. With a catalog in PostgreSQL only those "
            "older than a day, since another process may be about to commit them.",
        ),
    ] = False,
    output_format: FormatOfRecord = None,
) -> None:
    """Look for data files that the catalog names and that are missing or damaged.

    It compares each file's name, size and Parquet footer; it does not read the rows. It ends
    with 13 when the current version of a table is damaged and was not repaired.
    """
    session = session_of(context)

    def work(lake: Container) -> tuple[CheckReport, int | None]:
        with counting("Checking files") as told:
            if repair:
                report = lake.repair_lake()(RepairLakeCommand(told)).value
            else:
                report = lake.check_lake()(told)
        return report, lake.delete_orphans()() if delete_orphans else None

    report, deleted = session.run(work)
    record = {"status": "ok" if report.ok else "damaged"} | asdict(report)
    record["damaged"] = [_record(file) for file in report.damaged]
    if report.repair is not None:
        record["repair"] |= {"tables": [str(table) for table in report.repair.tables]}
    record["orphans_deleted"] = deleted
    print_record(record, _shown(report, deleted), output_format)
    _tell(report, deleted)
    if not report.readable:
        raise typer.Exit(ExitCode.DAMAGED)


def _record(file: DamagedFile) -> dict[str, Any]:
    return asdict(file) | {"table": str(file.table), "current": file.current}


def _shown(report: CheckReport, deleted: int | None) -> list[tuple[str, str]]:
    shown = [
        ("snapshot", str(report.snapshot_id)),
        ("files checked", f"{report.files_checked:,}"),
        ("damaged", f"{report.damaged_count:,}, {report.current_count:,} of the current version"),
    ]
    shown += [(f"{file.damage.value}", _sentence(file)) for file in report.damaged]
    if report.files_elsewhere:
        shown.append(("not looked at", f"{report.files_elsewhere:,} outside of the data path"))
    shown.append(("orphans", f"{report.orphan_files:,} ({size(report.orphan_bytes)})"))
    if deleted is not None:
        shown.append(("orphans deleted", f"{deleted:,}"))
    if report.repair is not None:
        shown.append(("repaired", _repaired(report.repair)))
    return shown


def _sentence(file: DamagedFile) -> str:
    until = "on" if file.last_snapshot is None else f"to {file.last_snapshot}"
    return (
        f"{file.table}: {file.name} ({file.kind.value}, {rows(file.rows)}, "
        f"snapshots {file.first_snapshot} {until})"
    )


def _repaired(repair: Repair) -> str:
    parts = [f"snapshot {repair.snapshot_id} is without {rows(repair.rows_lost)}"]
    if repair.rows_back:
        parts.append(f"{rows(repair.rows_back)} that had been deleted are back")
    return ", ".join(parts)


def _tell(report: CheckReport, deleted: int | None) -> None:
    if report.damaged_count > len(report.damaged):
        note(f"Only the first {len(report.damaged):,} damaged files are told.")
    if not report.readable:
        note("ducklake check --repair takes them out of the current version.")
    elif not report.ok:
        note("Snapshots of the past need damaged files; they cannot be read as they were.")
    if report.orphan_files and deleted is None:
        note("ducklake check --delete-orphans deletes files that no snapshot needs.")
