"""Writes of the command under their keys, on fakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.commits import Write
from domain.errors import UnavailableError
from domain.idempotency import NO_TERMS, Digest, IdempotencyKey, WriteTerms
from domain.tables import DropOutcome, TableName
from entrypoints.cli.exit_codes import ExitCode
from tests.fakes.tables import FakeTables
from tests.integration.cli.conftest import Command

KEY = ("--idempotency-key", "a-key")


@pytest.fixture
def rows(ducklake: Command) -> str:
    ducklake.json("tables", "create", "t", "--column", "a INTEGER")
    Path("rows.json").write_text('[{"a": 1}, {"a": 2}]')
    return "rows.json"


def row_count(ducklake: Command) -> int:
    count: int = ducklake.json("tables", "describe", "t")["row_count"]
    return count


def test_an_append(ducklake: Command, rows: str) -> None:
    first = ducklake.json("tables", "append", "t", rows, *KEY)
    assert ducklake.json("tables", "append", "t", rows, *KEY) == first
    assert row_count(ducklake) == 2
    Path(rows).write_text('[{"a": 3}]')
    refused = ducklake("tables", "append", "t", rows, *KEY)
    assert refused.exit_code != 0
    assert "was used for" in refused.stderr


def test_without_a_key_each_write_is_a_new_one(ducklake: Command, rows: str) -> None:
    ducklake.json("tables", "append", "t", rows)
    ducklake.json("tables", "append", "t", rows)
    assert row_count(ducklake) == 4


def test_a_create_and_a_drop(ducklake: Command) -> None:
    create = ("tables", "create", "t", "--column", "a INTEGER", *KEY)
    assert ducklake.json(*create) == ducklake.json(*create)
    drop = ("tables", "drop", "t", "--yes", "--idempotency-key", "another")
    assert ducklake(*drop).exit_code == 0
    assert ducklake(*drop).exit_code == 0
    assert ducklake("tables", "create", "t", "--column", "b INTEGER", *KEY).exit_code != 0


def test_a_bad_key(ducklake: Command, rows: str) -> None:
    refused = ducklake("tables", "append", "t", rows, "--idempotency-key", "with space")
    assert refused.exit_code == ExitCode.INVALID
    assert "visible ASCII" in refused.stderr


def test_the_key_is_told_when_nobody_knows(
    ducklake: Command, rows: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop = FakeTables.drop

    def lost(
        self: FakeTables, name: TableName, write: Write, terms: WriteTerms = NO_TERMS
    ) -> DropOutcome:
        drop(self, name, write, terms)
        raise UnavailableError("The answer was lost.")

    def unknown(
        self: FakeTables, key: IdempotencyKey, digest: Digest, *, thorough: bool = False
    ) -> None:
        if thorough:
            raise UnavailableError("The catalog does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(FakeTables, "drop", lost)
        patch.setattr(FakeTables, "recall", unknown)
        failed = ducklake("tables", "drop", "t", "--yes")
    assert "The answer was lost." in failed.stderr
    key = failed.stderr.partition("--idempotency-key ")[2].partition(":")[0]
    assert ducklake("tables", "drop", "t", "--yes", "--idempotency-key", key).exit_code == 0
