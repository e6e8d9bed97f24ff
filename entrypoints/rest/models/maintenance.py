"""What a check of the lake's files found, in JSON."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from domain.maintenance import CheckReport, Damage, DamagedFile, FileKind
from entrypoints.rest.models.base import AnswerModel


class DamagedFileAnswer(AnswerModel):
    """A file that cannot be what the catalog says."""

    table: str = Field(examples=["main.flights"])
    path: str = Field(
        description="Below the lake's data path.",
        examples=["main/flights/ducklake-01a20906-e105-70fb-be9c-f67f4e343b3c.parquet"],
    )
    kind: FileKind = Field(description="Rows, or which rows of another file were deleted.")
    damage: Damage
    size_bytes: int = Field(description="The size that the catalog knows.", examples=[828])
    found_bytes: int | None = Field(
        description="The size that it has; null when it is missing.", examples=[100]
    )
    rows: int = Field(description="How many rows it holds, or says to be deleted.", examples=[50])
    first_snapshot: int = Field(description="The first snapshot that needs it.", examples=[2])
    last_snapshot: int | None = Field(
        description="The last one; null when the current version needs it.", examples=[None]
    )
    current: bool = Field(description="Whether the current version needs it.", examples=[True])

    @classmethod
    def of(cls, file: DamagedFile) -> Self:
        """The file in JSON."""
        return cls(
            table=str(file.table),
            path=file.name,
            kind=file.kind,
            damage=file.damage,
            size_bytes=file.size_bytes,
            found_bytes=file.found_bytes,
            rows=file.rows,
            first_snapshot=file.first_snapshot,
            last_snapshot=file.last_snapshot,
            current=file.current,
        )


class UnneededFilesAnswer(AnswerModel):
    """Files that no snapshot needs."""

    files: int = Field(examples=[3])
    bytes: int = Field(examples=[2484])


class CheckLakeAnswer(AnswerModel):
    """What a check of the lake's files found."""

    status: Literal["ok", "damaged"]
    snapshot_id: int = Field(description="The snapshot that was the current one.", examples=[7])
    files_checked: int = Field(examples=[120])
    files_elsewhere: int = Field(
        description="Files that the catalog names outside of the data path: nobody looked.",
        examples=[0],
    )
    damaged_count: int = Field(examples=[1])
    current_count: int = Field(
        description="How many of the damaged files the current version needs.", examples=[1]
    )
    damaged: list[DamagedFileAnswer] = Field(
        description="The damaged files, those of the current version first; 1,000 at most."
    )
    orphans: UnneededFilesAnswer = Field(
        description="Files that no snapshot needs: of writes that were broken off."
    )
    recent: UnneededFilesAnswer = Field(
        description="Files that no snapshot needs yet: where several processes may write, those "
        "of the last 24 hours, of which a write may still be under way."
    )

    @classmethod
    def of(cls, report: CheckReport) -> Self:
        """The report in JSON."""
        return cls(
            status="ok" if report.ok else "damaged",
            snapshot_id=report.snapshot_id,
            files_checked=report.files_checked,
            files_elsewhere=report.files_elsewhere,
            damaged_count=report.damaged_count,
            current_count=report.current_count,
            damaged=[DamagedFileAnswer.of(file) for file in report.damaged],
            orphans=UnneededFilesAnswer(files=report.orphan_files, bytes=report.orphan_bytes),
            recent=UnneededFilesAnswer(files=report.recent_files, bytes=report.recent_bytes),
        )
