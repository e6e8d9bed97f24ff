"""Files of a lake behind links."""

from pathlib import Path

from adapters.filesystem.lake_files import FilesystemLakeFiles


def test_what_lies_behind_a_link_is_not_deleted(tmp_path: Path) -> None:
    kept = tmp_path / "data" / "main" / "t" / "ducklake-1.parquet"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"PAR1")
    (tmp_path / "data" / "alias").symlink_to(kept.parent)
    (kept.parent / "alias.parquet").symlink_to(kept)
    files = FilesystemLakeFiles(tmp_path / "data")
    assert not files.delete("alias/ducklake-1.parquet")
    assert not files.delete("main/t/alias.parquet")
    assert kept.read_bytes() == b"PAR1"
    # The data path itself may be one.
    (tmp_path / "linked").symlink_to(tmp_path / "data")
    assert FilesystemLakeFiles(tmp_path / "linked").delete("main/t/ducklake-1.parquet")
    assert not kept.exists()
