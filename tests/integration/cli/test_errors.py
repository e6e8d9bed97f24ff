"""How the command ends, and what it says then."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest
from dependency_injector import providers

import domain.errors
from domain.errors import LakehouseError
from entrypoints.cli.exit_codes import MEANING_OF_EXIT_CODE, ExitCode, exit_code_of
from tests.fakes.tables import FakeTables
from tests.integration.cli.conftest import Command


def every_kind() -> Iterator[type[LakehouseError]]:
    for _, kind in inspect.getmembers(domain.errors, inspect.isclass):
        if issubclass(kind, LakehouseError) and kind is not LakehouseError:
            yield kind


@pytest.mark.parametrize("kind", list(every_kind()))
def test_every_error_has_a_code_of_its_cause(kind: type[LakehouseError]) -> None:
    assert exit_code_of(kind.__new__(kind)) not in {ExitCode.OK, ExitCode.FAILURE, ExitCode.USAGE}


def test_every_code_is_explained() -> None:
    assert set(MEANING_OF_EXIT_CODE) == set(ExitCode)


class _Failing(FakeTables):
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def list_tables(self, *arguments: object) -> object:  # type: ignore[override]
        raise self._error


@pytest.mark.parametrize("shape", ["table", "json"])
def test_what_nobody_expected_is_a_sentence_too(ducklake: Command, shape: str) -> None:
    ducklake.container.tables.override(providers.Object(_Failing(RuntimeError("secret"))))
    result = ducklake("tables", "list", "--format", shape)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "RuntimeError" in result.stderr
    assert "secret" not in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["tables", "lst"],
        ["tables", "describe"],
        ["tables", "list", "--nope"],
        ["tables", "list", "--format", "xml"],
        ["query", "SELECT 1", "--row-limit", "-1"],
        ["query", "SELECT 1", "--row-limit", "x"],
        ["query", "SELECT $a", "--param", "a"],
        ["query", "SELECT $a", "--param", "a=1", "--param", "a=2"],
        ["query", "SELECT 1", "--output", "file.xls"],
        ["query", "SELECT 1", "--output", "file.csv", "--format", "table"],
    ],
)
def test_a_wrong_command_line_is_a_sentence(ducklake: Command, arguments: list[str]) -> None:
    result = ducklake(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("group", [[], ["tables"], ["datasets"]])
def test_a_group_alone_shows_its_help(ducklake: Command, group: list[str]) -> None:
    result = ducklake(*group)
    assert "Commands" in result.stdout
    assert result.stderr == ""
    assert ducklake(*group, "--help").exit_code == 0
