from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from domain.conditions import RangeRequest
from domain.errors import MalformedError
from entrypoints.rest.conditions import http_date, range_request, read_condition


def headers(**named: str) -> Headers:
    return Headers({name.replace("_", "-"): value for name, value in named.items()})


@pytest.mark.parametrize(
    "text, tags",
    [
        ('"a"', ("a",)),
        ('"a", "b"', ("a", "b")),
        ('"a,b",W/"c"', ("a,b", "c")),
        ('""', ("",)),
        ("a-2", ("a-2",)),
        ("*", ("*",)),
        (" * ", ("*",)),
        ('"*"', ("*",)),
        (', "a" ,,', ("a",)),
    ],
)
def test_entity_tags(text: str, tags: tuple[str, ...]) -> None:
    assert read_condition(headers(if_none_match=text)).if_none_match == tags


def test_weak_tags_match_no_strong_comparison() -> None:
    assert read_condition(headers(if_match='W/"a"')).if_match == ()


@pytest.mark.parametrize("text", ['"', '"a', 'a"b"', "a b", '"a" "b"', "W/a b", '"a"x'])
def test_what_is_no_list_of_tags(text: str) -> None:
    with pytest.raises(MalformedError):
        read_condition(headers(if_match=text))


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ],
)
def test_dates(text: str) -> None:
    found = read_condition(headers(if_modified_since=text)).if_modified_since
    assert found == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
    assert http_date(found) == "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize("text", ["", "yesterday", "1994-11-06T08:49:37Z", "0"])
def test_what_is_no_date_is_no_condition(text: str) -> None:
    assert read_condition(headers(if_unmodified_since=text)).if_unmodified_since is None


@pytest.mark.parametrize(
    "text, asked",
    [
        ("bytes=0-1", RangeRequest(0, 1)),
        ("bytes= 0 - 1 ", RangeRequest(0, 1)),
        ("bytes=5-", RangeRequest(5, None)),
        ("bytes=-5", RangeRequest(None, 5)),
        ("bytes=000000000000000000000000001-2", RangeRequest(1, 2)),
        ("bytes=0-1,2-3", None),
        ("seconds=0-1", None),
    ],
)
def test_ranges(text: str, asked: RangeRequest | None) -> None:
    assert range_request(headers(range=text)) == asked


@given(st.text())
def test_any_range_is_understood_or_refused(text: str) -> None:
    try:
        asked = range_request(headers(range=f"bytes={text}".encode().decode("latin-1")))
    except MalformedError:
        return
    assert asked is None or asked.first is not None or asked.last is not None


@given(st.text(alphabet=st.characters(max_codepoint=255)))
def test_any_tags_are_understood_or_refused(text: str) -> None:
    with suppress(MalformedError):
        assert read_condition(headers(if_match=text)).if_match is not None
