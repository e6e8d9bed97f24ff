import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidPageTokenError
from entrypoints.rest.paging import from_token, to_token


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_round_trip(place: list[str]) -> None:
    try:
        token = to_token(*place)
    except UnicodeEncodeError:
        return
    assert token.isascii()
    assert not set(token) & set("=+/&%")
    assert list(from_token(token, len(place))) == place


@given(st.text())
def test_anything_else_is_refused(token: str) -> None:
    try:
        place = from_token(token, 1)
    except InvalidPageTokenError:
        return
    assert to_token(*place)


@pytest.mark.parametrize(
    "packed", [b"[]", b"[1]", b'["a","b"]', b'{"0":"a"}', b'"a"', b"\xff", b"", b'["\\ud800"]']
)
def test_what_is_no_place_is_refused(packed: bytes) -> None:
    with pytest.raises(InvalidPageTokenError):
        from_token(base64.urlsafe_b64encode(packed).decode().rstrip("="), 1)


def test_deep_nesting_is_refused() -> None:
    packed = b"[" * 5000 + b"]" * 5000
    with pytest.raises(InvalidPageTokenError):
        from_token(base64.urlsafe_b64encode(packed).decode(), 1)
