import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import MalformedBodyError, TooLargeError
from domain.json_depth import MAX_JSON_DEPTH
from entrypoints.rest.json_bodies import parse_json

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
)


@given(JSON)
def test_json_is_read(value: object) -> None:
    try:
        content = json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    assert parse_json(content) == value


@given(st.binary())
def test_anything_else_is_refused(content: bytes) -> None:
    with suppress(MalformedBodyError):
        parse_json(content)


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"NaN", "NaN is not JSON"),
        (b"-Infinity", "-Infinity is not JSON"),
        (b"1e400", "too large"),
        (b'{"a":1,"b":2,"a":3}', "'a' twice"),
        (b'{"x":[{"a":1,"a":1}]}', "'a' twice"),
        (b'"\\uD800"', "not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"9" * 5000, "too long"),
        (b"{} {}", "line 1, column 4"),
    ],
)
def test_reasons(content: bytes, reason: str) -> None:
    with pytest.raises(MalformedBodyError, match=reason):
        parse_json(content)


@pytest.mark.parametrize("opening, closing", [(b"[", b"]"), (b'{"a":', b"}")])
def test_a_body_is_nested_to_a_depth(opening: bytes, closing: bytes) -> None:
    def nested(depth: int) -> bytes:
        return opening * depth + b"1" + closing * depth

    assert parse_json(nested(MAX_JSON_DEPTH))
    for depth in (MAX_JSON_DEPTH + 1, 100_000):
        with pytest.raises(TooLargeError, match="at most 500 deep"):
            parse_json(nested(depth))
    assert parse_json(b'{"sql": "%b"}' % (b"[" * 1_000))


def test_pairs_of_surrogates_are_characters() -> None:
    assert parse_json(b'"\\ud83e\\udd86"') == "\U0001f986"
