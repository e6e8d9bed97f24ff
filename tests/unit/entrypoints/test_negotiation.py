from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import NotAcceptableError, UnsupportedFormatError
from domain.formats import DataFormat
from entrypoints.rest.negotiation import choose_format, format_of_body

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    "accept, chosen",
    [
        (None, DataFormat.JSON),
        ("", DataFormat.JSON),
        ("*/*", DataFormat.JSON),
        (BROWSER, DataFormat.JSON),
        ("application/*", DataFormat.JSON),
        ("text/*", DataFormat.CSV),
        ("TEXT/CSV", DataFormat.CSV),
        ("text/csv; header=present", DataFormat.CSV),
        ("text/csv;q=0.5, application/x-ndjson", DataFormat.NDJSON),
        ("application/json;q=0.1, text/csv;q=0.2", DataFormat.CSV),
        ("application/json;q=0, */*", DataFormat.NDJSON),
        ("*/*;q=0.1, application/vnd.apache.parquet", DataFormat.PARQUET),
        ("application/vnd.apache.arrow.stream , text/html", DataFormat.ARROW),
        ("text/csv ; Q=0.3 , application/vnd.apache.parquet ; q=0.300", DataFormat.CSV),
        ("nonsense, text/csv", DataFormat.CSV),
        ("text/csv;q=2, application/json;q=0.1", DataFormat.JSON),
    ],
)
def test_accept(accept: str | None, chosen: DataFormat) -> None:
    assert choose_format(accept, None) is chosen


def test_the_parameter_goes_before_accept() -> None:
    assert choose_format("text/html", "csv") is DataFormat.CSV
    assert choose_format(None, "Arrow") is DataFormat.ARROW
    with pytest.raises(NotAcceptableError):
        choose_format("*/*", "xml")


@pytest.mark.parametrize("accept", ["text/html", "*/*;q=0", "json", "text/csv;q=0", ",", "/"])
def test_nothing_that_is_offered(accept: str) -> None:
    with pytest.raises(NotAcceptableError, match="arrow"):
        choose_format(accept, None)


@given(st.text())
def test_any_accept_is_answered(accept: str) -> None:
    with suppress(NotAcceptableError):
        assert choose_format(accept, None) in DataFormat


@given(st.text())
def test_any_content_type_is_answered(content_type: str) -> None:
    with suppress(UnsupportedFormatError):
        assert format_of_body(content_type) in DataFormat
