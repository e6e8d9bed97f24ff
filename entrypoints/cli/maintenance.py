"""`ducklake check`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from application.maintenance.check import CheckLakeCommand, DeleteOrphansCommand
from domain.errors import LakeLockedError
from domain.maintenance import GRACE, CheckReport, DamagedFile, Repair
from entrypoints.cli.exit_codes import ExitCode
from entrypoints.cli.help import shows
from entrypoints.cli.options import FormatOfRecord
from entrypoints.cli.output import note, print_record
from entrypoints.cli.progress import counting
from entrypoints.cli.session import session_of
from entrypoints.cli.shown import rows, size

if TYPE_CHECKING:
    from entrypoints.container import Container

_GRACE_HOURS = GRACE / timedelta(hours=1)


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
            help="Delete files that no snapshot needs, of writes that were broken off.",
        ),
    ] = False,
    older_than: Annotated[
        float,
        typer.Option(
            "--older-than",
            metavar="HOURS",
            min=0,
            help="With a catalog in PostgreSQL: how old such files are at least, since another "
            "process may be about to commit younger ones. Only while nothing else writes to the "
            "lake may it be shorter than the longest write.",
        ),
    ] = _GRACE_HOURS,
    output_format: FormatOfRecord = None,
) -> None:
    """Look for data files that the catalog names and that are missing or damaged.

    It compares each file's name, size and Parquet footer; it does not read the rows. It ends
    with 13 when the current version of a table is damaged and was not repaired.
    """
    session = session_of(context)
    grace = timedelta(hours=older_than)

    def work(lake: Container) -> tuple[CheckReport, int | None]:
        with counting("Checking files") as told:
            use_case = lake.repair_lake() if repair else lake.check_lake()
            report = use_case(CheckLakeCommand(told, grace)).value
        if not delete_orphans:
            return report, None
        return report, lake.delete_orphans()(DeleteOrphansCommand(grace)).value

    try:
        report, deleted = session.run(work)
    except LakeLockedError:
        note("GET /maintenance/check of the service that holds the lake checks it meanwhile.")
        raise
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
    if report.recent_files:
        shown.append(("too young", f"{report.recent_files:,} ({size(report.recent_bytes)})"))
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
    if report.recent_files:
        note("Files too young to say are orphans unless a write is about to commit them.")
