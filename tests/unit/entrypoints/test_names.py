from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import MalformedPathError
from entrypoints.rest.names import decoded, routing_path


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_name_is_decoded_once(name: str) -> None:
    raw = f"/{quote(name, safe='')}"
    path = routing_path({"raw_path": raw.encode(), "path": "other"})
    assert path.count("/") == 1
    assert decoded(path[1:]) == name


@given(st.binary())
def test_any_path_is_read_or_refused(raw: bytes) -> None:
    try:
        path = routing_path({"raw_path": raw, "path": ""})
    except MalformedPathError:
        return
    assert path.isascii()
    assert decoded(path) is not None


@pytest.mark.parametrize(
    "raw, path",
    [
        (b"/%74ables", "/tables"),
        (b"/a%2fb", "/a%2Fb"),
        (b"/%7Ea%2e", "/~a."),
        (b"/a b", "/a b"),
        (b"/\xc3\xa9", "/%C3%A9"),
    ],
)
def test_one_form_for_routes(raw: bytes, path: str) -> None:
    assert routing_path({"raw_path": raw, "path": ""}) == path


def test_servers_that_give_no_raw_path() -> None:
    assert decoded(routing_path({"path": "/a%b é"})) == "/a%b é"
