"""`--hive-partitioning` and `--no-hive-partitioning`, on a lake of files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from entrypoints.cli.app import app


class Lake:
    """The command on a lake, in this process; each call opens it."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def __call__(self, *arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, ["--home", str(self._home), *arguments], input=stdin)

    def json(self, *arguments: str, stdin: str | None = None) -> Any:
        """What it answers, which must be a success."""
        result = self(*arguments, "--format", "json", stdin=stdin)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def rows(self, table: str) -> Any:
        """The rows of a table."""
        return self.json("query", f"SELECT * FROM {table} ORDER BY ALL")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """With the bucket `out`, which holds rows exported by their month."""
    made = Lake(tmp_path_factory.mktemp("paths") / "home")
    made.json("datasets", "create", "out")
    made.json("tables", "create", "t", "--column", "n INTEGER", "--column", "month INTEGER")
    made.json("tables", "append", "t", "-", "--input-format", "csv", stdin="n,month\n1,7\n2,8\n")
    made.json(
        *("tables", "export", "t", "out/by/", "--partition-by", "month"),
        *("--object-format", "parquet"),
    )
    return made


@pytest.mark.parametrize(
    "said, rows",
    [
        ([], [{"n": 1, "month": 7}, {"n": 2, "month": 8}]),
        (["--hive-partitioning"], [{"n": 1, "month": 7}, {"n": 2, "month": 8}]),
        (["--no-hive-partitioning"], [{"n": 1}, {"n": 2}]),
    ],
)
def test_tables_of_objects(lake: Lake, said: list[str], rows: list[Any]) -> None:
    lake.json(
        "tables",
        "create",
        "u",
        "--from-object",
        "out/by/**/*.parquet",
        "--if-exists",
        "replace",
        *said,
    )

    assert lake.rows("u") == rows


def test_loads(lake: Lake) -> None:
    """A key says how paths are read, so that one retry does not answer for the other."""
    lake.json("tables", "create", "v", "--column", "n INTEGER", "--column", "month INTEGER")
    load = ("tables", "load", "v", "out/by/**/*.parquet")

    lake.json(*load, "--hive-partitioning", "--idempotency-key", "k")
    other = lake(*load, "--no-hive-partitioning", "--idempotency-key", "k")
    assert other.exit_code != 0
    assert "another request" in other.stderr
    lake.json(*load, "--hive-partitioning", "--idempotency-key", "k")
    assert lake.rows("v") == [{"n": 1, "month": 7}, {"n": 2, "month": 8}]

    lake.json(*load, "--no-hive-partitioning")
    assert lake.rows("v") == [
        {"n": 1, "month": 7},
        {"n": 1, "month": None},
        {"n": 2, "month": 8},
        {"n": 2, "month": None},
    ]
