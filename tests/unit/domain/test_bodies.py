"""What bodies claim to be."""

from __future__ import annotations

import pytest

from domain.bodies import CsvOptions
from domain.errors import InvalidParametersError


@pytest.mark.parametrize("mark", ["", ";;", "a", "7", "\n", "\r", "\0", "é", "\ud800"])
def test_marks_that_are_refused(mark: str) -> None:
    with pytest.raises(InvalidParametersError):
        CsvOptions(delimiter=mark)
    with pytest.raises(InvalidParametersError):
        CsvOptions(quote=mark)


@pytest.mark.parametrize("mark", [";", "\t", "|", " ", "\x1f", "^", "]", "\\", "%", "-"])
def test_marks_that_are_taken(mark: str) -> None:
    assert CsvOptions(delimiter=mark).delimiter == mark
    assert CsvOptions(quote=mark).quote == mark


@pytest.mark.parametrize("null", ["a,b", '"', 'N"A', "\n", "N\0", "x" * 101])
def test_texts_for_null_that_are_refused(null: str) -> None:
    with pytest.raises(InvalidParametersError):
        CsvOptions(null=null)


def test_marks_differ() -> None:
    with pytest.raises(InvalidParametersError):
        CsvOptions(delimiter="'", quote="'")
    assert CsvOptions(quote=None, null='"').null == '"'
